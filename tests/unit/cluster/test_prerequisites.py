import pytest

from e2e.cluster.errors import PrerequisiteError
from e2e.cluster.prerequisites import Library, Requirement, go_version, missing_from, missing_message, skip_reason

ABSENT = Requirement("no-such-program", "some-package", "does something")
PRESENT = Requirement("sh", "dash", "runs scripts")
ABSENT_LIBRARY = Library("no-such-library", "libnone", "does something")
PRESENT_LIBRARY = Library("c", "libc6", "is what programs are made of")


def test_only_absent_programs_are_missing() -> None:
    assert missing_from([ABSENT, PRESENT, ABSENT_LIBRARY, PRESENT_LIBRARY]) == [ABSENT, ABSENT_LIBRARY]


def test_the_message_names_each_program_its_purpose_and_the_command() -> None:
    other = Requirement("another", "other-package", "does more")
    message = missing_message([ABSENT, other])
    assert "missing program no-such-program: it does something" in message
    assert "missing program another: it does more" in message
    assert "missing library no-such-library: it does something" in missing_message([ABSENT_LIBRARY])
    assert "apt-get install other-package some-package" in message


@pytest.mark.parametrize(
    ("reported", "version"),
    [("go version go1.26.8 linux/amd64", (1, 26)), ("go version go1.9 linux/amd64", (1, 9)), ("nonsense", None)],
)
def test_the_version_is_read_from_gos_answer(reported: str, version: tuple[int, int] | None) -> None:
    assert go_version(reported) == version


def test_a_missing_prerequisite_is_a_reason_to_skip_on_a_desk() -> None:
    assert skip_reason(PrerequisiteError("no ip"), environment={}) == "no ip"


@pytest.mark.parametrize("ci", ["true", "True", "1"])
def test_nothing_is_skipped_in_ci(ci: str) -> None:
    with pytest.raises(PrerequisiteError, match="no ip"):
        skip_reason(PrerequisiteError("no ip"), environment={"CI": ci})
