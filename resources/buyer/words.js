/**
 * The words of the buyer page: one catalogue is loaded, the one the person reads.
 *
 * French first; the browser's language decides, the person may switch. Money and
 * numbers are written as that language writes them.
 */

let language = "fr";
let words = {};
let refusals = {};

/** Load the catalogue of `wanted` ("fr-CA" -> fr; anything else than French -> en). */
export async function chooseLanguage(wanted) {
  const chosen = String(wanted).toLowerCase().startsWith("fr") ? "fr" : "en";
  const catalogue = chosen === "fr" ? await import("./words.fr.js") : await import("./words.en.js");
  language = chosen;
  words = catalogue.WORDS;
  refusals = catalogue.REFUSED ?? {};
  return language;
}

export function currentLanguage() {
  return language;
}

/** The sentence for `key`; `{name}` is replaced by `values.name`. A missing key is a bug and throws. */
export function t(key, values = {}) {
  const sentence = words[key];
  if (sentence === undefined) throw new Error(`no words for ${key}`);
  return sentence.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** `key` for many, `key_one` for exactly one. */
export function many(key, count, values = {}) {
  return t(count === 1 ? `${key}_one` : key, { count: whole(count), ...values });
}

const SYMBOL = { EUR: "€", USD: "$", GBP: "£" };
let currency = "EUR";

export function chooseCurrency(code) {
  currency = code in SYMBOL ? code : "EUR";
}

export function currencySymbol() {
  return SYMBOL[currency];
}

export function whole(number) {
  const digits = String(Math.abs(Math.trunc(number)));
  const grouped = digits.replace(/\B(?=(\d{3})+$)/g, language === "fr" ? "\u202f" : ",");
  return number < 0 ? `\u2212${grouped}` : grouped;
}

/** Cents to what a person reads: "1 050 €", "12,50 €"; "€1,050", "€12.50". */
export function money(cents) {
  const rest = Math.abs(cents % 100);
  const units = whole(Math.trunc(cents / 100));
  const part = rest === 0 ? "" : (language === "fr" ? "," : ".") + String(rest).padStart(2, "0");
  return language === "fr" ? `${units}${part}\u202f${SYMBOL[currency]}` : `${SYMBOL[currency]}${units}${part}`;
}

/** The platform's sentence is French; in another language its stable code finds ours. */
export function refusalSentence(refusal) {
  const ours = Object.hasOwn(refusals, refusal.code) ? refusals[refusal.code] : "";
  return ours || refusal.sentence || t("refused.fallback");
}
