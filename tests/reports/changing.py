"""Files of a report that somebody changed: in their bytes, and in one of their values."""

import json

from hypothesis import strategies as st


def changed_bytes(data, whole, pieces):
    """Put a few bytes in the place of some."""
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(start + 200, len(whole))) | st.just(len(whole)))
    new = data.draw(st.binary(max_size=3) | st.sampled_from(pieces))
    return whole[:start] + new + whole[end:]


def changed_value(data, whole, values):
    """Take one value out of JSON, or put another in its place."""
    log = json.loads(whole)
    spot, key = {"": log}, ""
    while True:
        keys = list(spot[key]) if isinstance(spot[key], dict) else list(range(len(spot[key])))
        spot, key = spot[key], data.draw(st.sampled_from(keys))
        if not spot[key] or not isinstance(spot[key], dict | list) or data.draw(st.integers(0, 5)) == 0:
            break
    if data.draw(st.booleans()):
        del spot[key]
    else:
        spot[key] = data.draw(st.sampled_from(values))
    return json.dumps(log).encode()
