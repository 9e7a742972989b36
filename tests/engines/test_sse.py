import itertools

from hypothesis import given, strategies as st

from planner.engines.sse import EventReader

BODY = b": hi\n\ndata: {1}\n\nevent: x\ndata: a\ndata: b\n\nid: 3\n\ndata:[DONE]\n\n"
EVENTS = [b"{1}", b"a\nb", b"[DONE]"]


@given(st.lists(st.integers(1, 200), max_size=10), st.sampled_from([b"\n", b"\r\n"]))
def test_however_the_bytes_are_cut_the_events_are_the_same(cuts: list[int], line_end: bytes) -> None:
    body = BODY.replace(b"\n", line_end)
    edges = [0, *sorted({cut for cut in cuts if cut < len(body)}), len(body)]
    reader = EventReader()
    events = [event for a, b in itertools.pairwise(edges) for event in reader.feed(body[a:b])]
    assert events == EVENTS
    assert not reader.unfinished


def test_an_event_that_did_not_end_is_unfinished() -> None:
    reader = EventReader()
    assert reader.feed(b"data: {") == []
    assert reader.unfinished
