import pytest
from embedding_operator.gateway.haproxy_state import Server, UnreadableAnswer, read_servers

STATE = """\
1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_check_state srv_port
3 engines 1 a 10.0.0.1 2 0 6 30000
3 engines 2 b fd00::1 2 8 6 30000
3 engines 3 c 10.0.0.3 0 1 2 30001
"""
STATISTICS = """\
# pxname,svname,qcur,scur,slim,used_conn_cur,last_chk,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,
engines,a,0,3,4,3,"a, b",0,7,0,2,5,1,
engines,b,2,0,,1,,0,1,0,0,0,0,
engines,c,0,0,8,,,,,,,,,
"""


def test_servers_are_read_from_two_answers() -> None:
    assert read_servers(state=STATE, statistics=STATISTICS) == (
        Server(
            name="a",
            address="10.0.0.1",
            port=30000,
            in_maintenance=False,
            draining=False,
            checked=True,
            in_use=3,
            max_connections=4,
            answers=15,
            failures=5,
        ),
        Server(
            name="b",
            address="fd00::1",
            port=30000,
            in_maintenance=False,
            draining=True,
            checked=True,
            in_use=3,
            max_connections=0,
            answers=1,
        ),
        Server(
            name="c",
            address="10.0.0.3",
            port=30001,
            in_maintenance=True,
            draining=False,
            checked=False,
            in_use=0,
            max_connections=8,
            running=False,
        ),
    )


def test_a_server_that_came_between_the_two_answers_is_left_for_the_next_look() -> None:
    without_c = STATISTICS.rpartition("engines,c")[0]
    assert [server.name for server in read_servers(state=STATE, statistics=without_c)] == ["a", "b"]


def test_no_servers_are_no_servers() -> None:
    state, statistics = "\n".join(STATE.splitlines()[:2]), STATISTICS.splitlines()[0]
    assert read_servers(state=state, statistics=statistics) == ()


@pytest.mark.parametrize(
    ("state", "statistics"),
    [
        ("Can't find backend.", STATISTICS),
        ("", STATISTICS),
        (STATE.replace("1\n", "2\n", 1), STATISTICS),
        (STATE, "No such proxy."),
        (STATE, STATISTICS.replace("scur", "sessions")),
        (STATE.replace(" 30001", ""), STATISTICS),
        (STATE.replace("srv_admin_state", "srv_admin"), STATISTICS),
    ],
)
def test_another_form_is_an_error_and_never_an_empty_backend(state: str, statistics: str) -> None:
    with pytest.raises(UnreadableAnswer):
        read_servers(state=state, statistics=statistics)
