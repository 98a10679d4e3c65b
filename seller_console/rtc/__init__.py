"""The one place that touches the insides of aiortc and aioice: peers, RTP in, RTP out."""
