"""How argument lists are parsed, and which options are forbidden."""

import pytest
from embedding_operator.domain.model.engine_arguments import (
    MANAGED,
    TUNED,
    Argument,
    merged,
    number,
    of_service,
    parse,
    refusal,
    service_refusal,
)
from embedding_operator.domain.model.engine_options import OF_SERVICES, REASONS


def reason(*args: str) -> str | None:
    (argument,) = parse(args)
    return refusal(argument)


def test_reads_options_with_their_values() -> None:
    parsed = parse(["--a", "--b", "1", "2", "--c=3", "--d", "-1", "--e", "-0.5", "--f={'x': 1}"])
    assert [(argument.flag, argument.values) for argument in parsed] == [
        ("--a", ()),
        ("--b", ("1", "2")),
        ("--c", ("3",)),
        ("--d", ("-1",)),
        ("--e", ("-0.5",)),
        ("--f", ("{'x': 1}",)),
    ]


def test_keeps_every_token() -> None:
    args = ["stray", "--a=1", "2", "--", "-x", ""]
    assert [token for argument in parse(args) for token in argument.tokens] == args


@pytest.mark.parametrize("flag", sorted(MANAGED))
def test_refuses_managed_options_in_every_spelling(flag: str) -> None:
    assert reason(flag) == f"{flag} is managed by the operator: {MANAGED[flag]}"
    assert reason(f"{flag}=value") == f"{flag} is managed by the operator: {MANAGED[flag]}"
    assert reason(flag, "value") is not None
    for length in range(len("--x"), len(flag)):
        assert reason(flag[:length]) is not None


@pytest.mark.parametrize(
    ("abbreviation", "meant"),
    [
        ("--tp", "--tp-size"),
        ("--context", "--context-length"),
        ("--quant=awq", "--quantization"),
        ("--enable-m", "--enable-metrics"),
        ("--served", "--served-model-name"),
    ],
)
def test_names_the_option_that_an_abbreviation_means(abbreviation: str, meant: str) -> None:
    flag = abbreviation.partition("=")[0]
    assert reason(abbreviation) == f"{meant} is managed by the operator ({flag} is short for it): {MANAGED[meant]}"


@pytest.mark.parametrize("flag", sorted(TUNED))
def test_permits_tuning_by_the_whole_name_only(flag: str) -> None:
    assert reason(flag, "1") is None
    assert reason(f"{flag}=1") is None
    assert reason(flag[:-1]) is not None


def test_an_abbreviation_of_a_tuned_option_is_told_from_a_managed_one() -> None:
    assert reason("--mem-frac", "0.9") == "--mem-frac is an abbreviation of --mem-fraction-static: write the full name"


@pytest.mark.parametrize("token", ["value", "-h", "-tp", "--", "-", ""])
def test_refuses_what_is_no_option(token: str) -> None:
    assert reason(token) == f"{token!r} is not an option of the engine: write --option value"


@pytest.mark.parametrize("flag", ["--attention-backend", "--device", "--enable-metrics-for-all-schedulers", "--sleepy"])
def test_permits_other_options(flag: str) -> None:
    assert reason(flag) is None


@pytest.mark.parametrize("flag", sorted(OF_SERVICES))
def test_services_may_tune(flag: str) -> None:
    (argument,) = parse([flag])
    assert service_refusal(argument) is None


@pytest.mark.parametrize(
    "flag",
    [
        "--custom-weight-loader",
        "--tokenizer-path",
        "--otlp-traces-endpoint",
        "--log-requests",
        "--crash-dump-folder",
        "--forward-hooks",
    ],
)
def test_only_pools_may_set_what_loads_writes_or_sends(flag: str) -> None:
    (argument,) = parse([f"{flag}=x"])
    assert refusal(argument) is None
    assert service_refusal(argument) == f"{flag} may only be set in a GPUPool: {REASONS[flag]}"


def test_services_may_not_set_what_is_not_known() -> None:
    (argument,) = parse(["--of-a-newer-engine"])
    assert refusal(argument) is None
    assert "is not among the options that services may set" in (service_refusal(argument) or "")


def test_what_services_may_not_set_is_not_passed_on() -> None:
    args = ["--page-size", "1", "--crash-dump-folder", "/dump", "--port=1", "--sleep-on-idle"]
    assert of_service(args) == ("--page-size", "1", "--sleep-on-idle")


def test_every_option_that_the_operator_tunes_may_be_set_by_services() -> None:
    assert TUNED <= OF_SERVICES


def test_later_lists_replace_options_of_earlier_ones() -> None:
    options = merged(["--x", "1", "--y"], ["--x=2", "--port", "80"], ["stray", "--z"])
    assert {flag: argument.tokens for flag, argument in options.items()} == {
        "--x": ("--x=2",),
        "--y": ("--y",),
        "--z": ("--z",),
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20000", 20000),
        ("64k", 64000),
        ("1Ki", 1024),
        ("0.8", 0.8),
        (".5", 0.5),
        ("1.5M", 1_500_000),
        ("many", None),
        ("1ki", None),
        ("-1", None),
        ("", None),
    ],
)
def test_reads_numbers_as_the_engine_does(text: str, value: float | None) -> None:
    assert number(Argument(flag="--x", tokens=("--x", text))) == value


def test_a_number_is_one_value() -> None:
    assert number(None) is None
    assert number(Argument(flag="--x", tokens=("--x",))) is None
    assert number(Argument(flag="--x", tokens=("--x", "1", "2"))) is None


def test_a_message_repeats_no_more_than_the_beginning_of_an_argument() -> None:
    message = reason("x" * 4095)
    assert message is not None
    assert message.startswith("'xxx")
    assert len(message) < 150
