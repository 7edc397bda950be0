import math

from prometheus_client.parser import text_string_to_metric_families

from testbed.engine.fake.exposition import Family, Kind, Sample, cut, renamed, render, without_numbers

FAMILIES = [
    Family("sglang:requests_total", Kind.COUNTER, "Requests.", [Sample({"path": 'a"b\\c\n', "code": "200"}, 3)]),
    Family("sglang:waiting", Kind.GAUGE, "Waiting.", [Sample({}, 0.5)]),
    Family("sglang:nothing", Kind.GAUGE, "Never fed.", []),
]


def test_the_official_parser_reads_back_what_was_written() -> None:
    requests, waiting = text_string_to_metric_families(render(FAMILIES))

    assert (requests.type, requests.samples[0].value) == ("counter", 3)
    assert requests.samples[0].labels == {"path": 'a"b\\c\n', "code": "200"}
    assert (waiting.name, waiting.samples[0].value) == ("sglang:waiting", 0.5)


def test_renaming_takes_the_colon_out_of_every_name() -> None:
    assert ":" not in render(renamed(FAMILIES[1:]))


def test_without_numbers_every_sample_is_nan() -> None:
    families = text_string_to_metric_families(render(without_numbers(FAMILIES)))

    assert all(math.isnan(sample.value) for family in families for sample in family.samples)


def test_a_cut_text_ends_inside_of_a_line() -> None:
    for length in range(8, 40):
        text = "".join(f"name {value}\n" for value in range(length))
        half = cut(text)

        assert text.startswith(half)
        assert half.splitlines()[-1] not in text.splitlines()
