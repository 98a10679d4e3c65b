"""The platform in writing agrees with the words, the routes and its own examples."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import schemathesis
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from seller_console.contract import commands, events, openapi, routes
from seller_console.contract.codec import decode_command, decode_event
from seller_console.contract.examples import members, tag_of

DOCUMENT: dict[str, Any] = json.loads(json.dumps(openapi.document()))
ADDRESS = "urn:platform"
REGISTRY: Registry[Any] = Registry().with_resource(ADDRESS, Resource(DOCUMENT, DRAFT202012))
METHODS = {"get", "post", "put", "patch", "delete"}


def _check(schema: Any, value: Any) -> None:
    where = json.loads(json.dumps(schema).replace('"#/', f'"{ADDRESS}#/'))
    jsonschema.Draft202012Validator(where, registry=REGISTRY).validate(value)


def _operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def test_it_is_a_description_that_its_readers_accept() -> None:
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    read = {(operation.ok().path, operation.ok().method) for operation in schema.get_all_operations()}
    assert read == {(path, method) for path, method, _ in _operations()}


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_every_schema_is_a_schema(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    jsonschema.Draft202012Validator.check_schema(schema)
    for shown in schema.get("examples", []):
        _check(schema, shown)


def test_every_reference_leads_somewhere() -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            target = value.get("$ref")
            if isinstance(target, str):
                at: Any = DOCUMENT
                for part in target.removeprefix("#/").split("/"):
                    at = at[part]
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(DOCUMENT)


def test_every_command_a_person_may_say_is_there_with_its_roles() -> None:
    said = {tag_of(word): word for word in members(commands.Command) if word.BY}
    command = DOCUMENT["components"]["schemas"]["Command"]
    assert set(command["discriminator"]["mapping"]) == set(said)
    for word in said.values():
        assert DOCUMENT["components"]["schemas"][word.__name__]["x-roles"] == sorted(word.BY)


def test_what_only_the_platform_says_is_not_offered() -> None:
    offered = set(DOCUMENT["components"]["schemas"]["Command"]["discriminator"]["mapping"])
    assert not offered & {"ring_bell", "open_show", "halt_run", "return_platform"}


def test_every_event_is_in_the_catalogue_with_an_example_of_its_own() -> None:
    assert set(DOCUMENT["x-events"]) == {tag_of(word) for word in members(events.Event)}
    assert set(DOCUMENT["x-passing"]) == {tag_of(word) for word in members(events.Passing)}
    for tag, entry in DOCUMENT["x-events"].items():
        _check(entry["schema"], entry["example"])
        word = decode_event(json.dumps(entry["example"]))
        assert tag_of(type(word)) == tag
        kind, _, field = entry["audience"].partition(":")
        assert word.audience() == kind + (f":{getattr(word, field.strip('{}'))}" if field else "")


def test_the_examples_of_commands_are_commands() -> None:
    say = DOCUMENT["paths"][routes.COMMANDS]["post"]["requestBody"]["content"]["application/json"]
    for tag, shown in say["examples"].items():
        _check(say["schema"], shown["value"])
        assert tag_of(type(decode_command(json.dumps(shown["value"])))) == tag


def test_every_example_of_an_answer_or_body_fits_its_schema() -> None:
    for _, _, operation in _operations():
        contents = list(operation.get("requestBody", {}).get("content", {}).values())
        contents += [
            content for answer in operation["responses"].values() for content in answer.get("content", {}).values()
        ]
        for content in contents:
            if "example" in content and "schema" in content:
                _check(content["schema"], content["example"])


def test_every_door_is_described() -> None:
    paths = {
        value
        for name, value in vars(routes).items()
        if name.isupper() and isinstance(value, str) and value.startswith("/") and name != "STATIC"
    }
    assert paths == set(DOCUMENT["paths"])


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, _, operation in _operations()]
    assert len(names) == len(set(names))
    assert all("Problem" in operation["responses"]["default"]["$ref"] for _, _, operation in _operations())
