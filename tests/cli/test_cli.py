"""Commands, their options, output and exit codes."""

import inspect
import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from stand_ins import KEY, raw_server, response

import socialframe as sf
from socialframe.cli.main import _parse_params, main
from socialframe.sandbox import PAGINGS
from socialframe.sandbox.world.world import the_world


def test_the_demo_runs_the_main_job():
    """Accounts, posts, an answer, and a Parquet file of all posts."""
    result = CliRunner().invoke(main, ["demo"])

    assert result.exit_code == 0, result.output
    for words in ("made up", "17 accounts", "5,400 posts in 54 requests", "engaged best"):
        assert words in result.output
    frame = pd.read_parquet("socialframe-demo.parquet")
    assert len(frame) == frame["id"].nunique() == 5400


def test_a_demo_that_cannot_write_exits_with_an_error():
    """A folder has the name of the file."""
    os.mkdir("socialframe-demo.parquet")  # noqa: PTH102 - beside the test's own working folder

    result = CliRunner().invoke(main, ["demo"])

    assert result.exit_code == 2
    assert "it is a folder" in result.output
    assert "Traceback" not in result.output


def test_help_shows_examples_and_version_shows_the_version():
    """Line breaks are kept."""
    assert "sandbox" in CliRunner().invoke(main, ["--help"]).output
    for command in ("demo", "sandbox"):
        shown = CliRunner().invoke(main, [command, "--help"]).output
        assert f"  Examples:\n    socialframe {command}\n" in shown
    assert CliRunner().invoke(main, ["--version"]).output.startswith("socialframe ")


@pytest.fixture
def sandbox_process(request):
    """Start ``socialframe sandbox`` and return its process, URL and key."""
    options = getattr(request, "param", [])
    process = subprocess.Popen(
        [sys.executable, "-m", "socialframe", "sandbox", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    url, key = (process.stdout.readline().strip().partition("=")[2] for _ in range(2))
    yield process, url, key
    process.kill()
    process.communicate()


@pytest.mark.processes
@pytest.mark.sockets
@pytest.mark.parametrize(
    "sandbox_process",
    [[], ["--end-sign", "hasMore"], ["--paging", "cursor", "--end-sign", "empty"]],
    indirect=True,
)
def test_every_post_comes_once_over_a_real_socket(sandbox_process, tmp_path):
    """With each kind of paging, into Parquet."""
    _, url, key = sandbox_process
    with sf.Client(key, base_url=url, tier="paid") as api:
        api.posts().to_parquet(tmp_path / "posts.parquet")

    frame = pd.read_parquet(tmp_path / "posts.parquet")
    assert frame["id"].tolist() == [post["id"] for post in the_world().initial.posts]
    assert frame["id"].is_unique


def test_json_of_no_rows_is_an_empty_array():
    """Valid JSON even without rows."""
    shown = run("accounts", "--platform", "gopher", "--sandbox", "--json")

    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout) == []


@pytest.mark.parametrize("harm", ["missing", "full"])
def test_json_without_a_temporary_folder_is_an_error_that_names_it(monkeypatch, tmp_path, harm):
    """Exit code 2; no rows are printed."""
    folder, limit = tmp_path / "temporary", resource.getrlimit(resource.RLIMIT_FSIZE)
    if harm == "full":
        folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    if harm == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))
    try:
        shown = run("posts", "--sandbox", "--json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    assert (shown.exit_code, shown.stdout) == (2, "")
    assert f"temporary {folder}" in shown.stderr
    assert "TMPDIR" in shown.stderr


@pytest.mark.processes
@pytest.mark.sockets
def test_ctrl_c_stops_the_sandbox_without_a_traceback(sandbox_process):
    """The port is free again."""
    process, url, _ = sandbox_process
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)

    assert process.returncode == 130
    assert "Traceback" not in errors
    with pytest.raises(sf.NetworkError):
        sf.Client("sk_any0key0here", base_url=url, max_wait=0, timeout=1).accounts().frame()


@pytest.mark.sockets
def test_a_taken_port_is_an_error_with_its_number():
    """Exit code 5."""
    with sf.Sandbox().serve() as url:
        port = url.rpartition(":")[2]
        result = CliRunner().invoke(main, ["sandbox", "--port", port])

    assert result.exit_code == 5
    assert f"Port {port} cannot be used" in result.output


def test_the_help_of_the_sandbox_lists_every_paging_and_end_sign():
    """The default end sign comes first; a wrong one is refused."""
    table = CliRunner().invoke(main, ["sandbox", "--help"]).output

    for paging, signs in PAGINGS.items():
        assert re.search(rf"^ +{paging} +{', '.join(signs)}$", table, re.MULTILINE), paging
    result = CliRunner().invoke(main, ["sandbox", "--paging", "link", "--end-sign", "null"])
    assert result.exit_code == 2
    assert "end_sign must be 'absent' with paging='link'" in result.output


@pytest.fixture
def sandbox_of(monkeypatch):
    """Return a function that runs a command against a new sandbox on loopback."""

    def command(*words, **switches):
        box = sf.Sandbox(**switches)
        with box.serve() as url:
            monkeypatch.setenv("SOCIALAPI_BASE_URL", url)
            monkeypatch.setenv("SOCIALAPI_KEY", box.key)
            return run(*words, "--tier", "paid")

    return command


VERBS = ["accounts", "health", "posts", "analytics", "followers"]


def run(*arguments, **options):
    """Run a command in this process."""
    return CliRunner().invoke(main, list(arguments), **options)


def test_max_requests_stops_a_command_that_needs_more():
    """The error says how many the walk takes; fewer rows fit."""
    broken = run("posts", "--sandbox", "--max-requests", "10")

    assert broken.exit_code == 4
    assert "needs 54 requests; max_requests allows 10" in broken.output
    assert "A page could not be fetched" not in broken.output
    assert "socialframe walks resume " in broken.output
    assert run("posts", "--sandbox", "--max-requests", "10", "--limit", "900").exit_code == 0


@pytest.mark.parametrize("verb", [*VERBS, "fetch", "inspect", "drift", "budget", "demo", "sandbox"])
def test_every_command_has_help_with_two_examples(verb):
    """Line breaks are kept."""
    shown = run(verb, "--help").output
    examples = shown.partition("Examples:\n")[2].split("\n\n")[0].splitlines()

    assert len(examples) == 2
    assert all(line.startswith("    socialframe ") for line in examples)


@pytest.mark.parametrize("verb", VERBS)
def test_commands_have_the_names_and_defaults_of_the_methods(verb):
    """Each parameter of the method is an option."""
    options = {option.name: option for option in main.commands[verb].params}
    parameters = dict(inspect.signature(getattr(sf.Client, verb)).parameters)
    del parameters["self"]

    parsed = main.commands[verb].make_context(verb, []).params
    for name, parameter in parameters.items():
        assert (parsed[name] or None) == parameter.default
    assert set(options) - set(parameters) == {
        "output",
        "as_json",
        "limit",
        "explode",
        "max_requests",
        "tier",
        "no_cache",
        "refresh",
        "offline",
        "sandbox",
    }


@pytest.mark.parametrize("verb", [*VERBS, "fetch"])
def test_every_command_writes_a_table_json_and_files(verb):
    """With the same rows."""
    path = ["/v1/accounts/health", "--paging", "Single"] if verb == "fetch" else []
    arguments = [verb, *path, "--sandbox", "--limit", "30"]
    table, as_json = run(*arguments), run(*arguments, "--json")
    for suffix in ("parquet", "csv", "jsonl"):
        assert run(*arguments, "-o", f"rows.{suffix}").exit_code == 0

    assert table.exit_code == as_json.exit_code == 0, table.output
    count = len(json.loads(as_json.stdout))
    assert f"{count} rows" in table.stderr
    assert count == len(pd.read_parquet("rows.parquet")) == len(pd.read_csv("rows.csv"))
    assert count == len(Path("rows.jsonl").read_text(encoding="utf-8").splitlines())


@pytest.mark.processes
@pytest.mark.sockets
def test_posts_of_a_running_sandbox_come_once_by_file_and_by_json(sandbox_process, tmp_path):
    """Key and base URL come from the environment."""
    _, url, key = sandbox_process
    environ = {**os.environ, "SOCIALAPI_BASE_URL": url, "SOCIALAPI_KEY": key}
    words = ["posts", "--since", "2026-06-01"]
    command = [sys.executable, "-m", "socialframe", *words, "-o", "posts.parquet"]

    subprocess.run(command, cwd=tmp_path, env=environ, check=True)
    shown = run(*words, "--json", env=environ)

    expected = [post["id"] for post in the_world().initial.posts if post["createdAt"] > "2026-06"]
    assert len(expected) > 1000
    assert pd.read_parquet(tmp_path / "posts.parquet")["id"].tolist() == expected
    assert [post["id"] for post in json.loads(shown.stdout)] == expected


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "words"),
    [
        (["posts"], {}, 3, "There is no API key"),
        (["posts"], {"SOCIALAPI_KEY": "nonsense"}, 3, "looks like sk_"),
        (["posts", "--since", "yesterday", "--sandbox"], {}, 2, "must be a day like"),
        (["posts", "--per-page", "0", "--sandbox"], {}, 2, "not in the range"),
        (["posts", "--nonsense"], {}, 2, "No such option"),
        (["posts", "-o", "x.xlsx", "--sandbox"], {}, 2, "-o must end in one of"),
        (["posts", "-o", "x.csv", "--json", "--sandbox"], {}, 2, "exclude each other"),
        (["posts", "-o", "no/x.csv", "--sandbox"], {}, 2, "does not exist"),
        (["accounts", "--explode", "x", "--sandbox"], {}, 2, "cannot be exploded"),
        (["fetch", "/v1/nothing", "--sandbox"], {}, 7, "404 Not found"),
        (["fetch", "/v1/posts", "limit=x", "--sandbox"], {}, 8, "400 "),
        (["posts", "-o", "", "--sandbox"], {}, 2, "-o must end in one of"),
        (["fetch", "/v1/posts", "limit", "--sandbox"], {}, 2, "NAME=VALUE"),
        (["fetch", "/v1/posts", "--columns", "{", "--sandbox"], {}, 2, "must be a JSON object"),
        (["fetch", "nothing", "--sandbox"], {}, 2, "path must start with"),
        (["inspect", "nothing.parquet"], {}, 2, "There is no file"),
        (["drift", "nothing.parquet"], {}, 2, "There is no file"),
        (
            ["posts"],
            {"SOCIALAPI_KEY": "sk_abc", "SOCIALAPI_BASE_URL": "http://127.0.0.1:9"},
            6,
            "No connection",
        ),
        (
            ["posts", "--max-requests", "1"],
            {"SOCIALAPI_KEY": "sk_abc", "SOCIALAPI_BASE_URL": "http://127.0.0.1:9"},
            6,
            "No connection",
        ),
    ],
)
def test_an_error_is_one_sentence_and_an_exit_code(arguments, environ, code, words):
    """On standard error; standard output is empty."""
    result = run(*arguments, env=environ)

    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "words", [["posts", "--json"], ["posts"], ["walks", "ls"], ["cache", "ls"]]
)
def test_rows_for_a_closed_standard_output_are_an_error(monkeypatch, words):
    """Before any request; Python has None in its place."""
    monkeypatch.setenv("SOCIALAPI_KEY", "sk_abc")
    monkeypatch.setattr(sys, "stdout", None)
    assert main(words, standalone_mode=False) == 2


class Terminal(io.StringIO):
    """A standard stream that is a terminal."""

    def isatty(self):
        return True


HOSTILE = "a\x1b]0;owned\x07\rb\x9b2Jc"


@pytest.mark.sockets
@pytest.mark.parametrize("option", ["--json", "--no-cache"])
def test_control_characters_are_escaped_on_a_terminal_only(monkeypatch, option):
    """In a table and in JSON, which stays valid."""
    page = json.dumps({"accounts": [{"accountId": HOSTILE, "platform": "x"}]}).encode()
    terminal = Terminal()
    with raw_server([response(page)]) as (url, _):
        environ = {"SOCIALAPI_KEY": "sk_abc", "SOCIALAPI_BASE_URL": url}
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        piped = run("accounts", option).stdout
        sf.Client().accounts().to_csv("accounts.csv")
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal)
            patch.setattr(sys, "stderr", terminal)
            main(["accounts", option], standalone_mode=False)
    shown = terminal.getvalue()

    assert not {"\x1b", "\x07", "\r", "\x9b"} & set(shown)
    assert "\\u009b2Jc" in shown
    assert "\x9b2Jc" in piped
    assert HOSTILE in Path("accounts.csv").read_bytes().decode()
    if option == "--json":
        assert json.loads(piped)[0]["account_id"] == HOSTILE
        assert json.loads(shown)[0]["account_id"] == HOSTILE
    else:
        assert "\x1b]0;owned" in piped


def test_an_unknown_key_exits_with_3_and_a_failed_walk_with_4():
    """Each as a sentence on standard error."""
    page = b'{"posts": [{"id": "a"}], "pagination": {"page": 1, "pages": 2}}'
    refusal = response(b'{"error": "Invalid API key"}', status="401 Unauthorized")
    with raw_server([response(page)], [response(b"{}", status="403 Forbidden")]) as (url, _):
        broken = run("posts", env={"SOCIALAPI_KEY": "sk_abc", "SOCIALAPI_BASE_URL": url})
    with raw_server([refusal]) as (url, _):
        wrong = run("posts", env={"SOCIALAPI_KEY": "sk_abc", "SOCIALAPI_BASE_URL": url})

    assert (broken.exit_code, wrong.exit_code) == (4, 3)
    assert "The walk had 1 page (" in broken.stderr


def test_inspect_shows_provenance_and_columns():
    """A file without provenance says so."""
    run("posts", "--sandbox", "--since", "2026-11-01", "-o", "posts.parquet")
    pd.DataFrame({"a": [1]}).to_parquet("plain.parquet")

    shown = run("inspect", "posts.parquet").stdout
    assert "\nposts(since='2026-11-01', per_page=100), GET /v1/posts: " in shown
    assert "created_at: timestamp[us, tz=UTC]" in shown
    assert "The frame has no provenance" in run("inspect", "plain.parquet").stdout


def test_verbose_logs_requests_and_no_color_disables_colors():
    """-vv comes before the command."""
    code = "from socialframe.cli.main import main; main(['-vv', 'accounts', '--sandbox', '--json'])"
    loud = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "GET /v1/accounts: 200" in loud.stderr
    assert len(json.loads(loud.stdout)) == 17
    colours = run("demo", color=True).output, run("demo", color=True, env={"NO_COLOR": "1"}).output
    assert ["\x1b[" in output for output in colours] == [True, False]


def test_a_walk_that_may_be_incomplete_prints_its_rows_and_exits_with_4(sandbox_of):
    """A pipeline must not take them for all; the warning shows no line of code."""
    result = sandbox_of(
        "fetch", "/v1/posts", "limit=100", "--json", paging="page", end_sign="short"
    )

    assert result.exit_code == 4
    assert len(json.loads(result.stdout)) == 100
    assert result.stderr.startswith("Warning: fetch /v1/posts: the reply does not mention other")
    assert ".py" not in result.stderr


def test_paging_takes_a_scheme_as_in_python(sandbox_of):
    """The detected scheme returns the same rows."""
    words = ["fetch", "/v1/posts", "limit=100", "dateFrom=2026-10-01", "--json"]
    expected = [post["id"] for post in the_world().initial.posts if post["createdAt"] > "2026-10"]

    guessed = sandbox_of(*words, paging="cursor")
    text = "Cursor(field='pagination.nextCursor', param='cursor')"
    declared = sandbox_of(*words, "--paging", text, paging="cursor")

    assert declared.exit_code == guessed.exit_code == 0, declared.stderr
    assert [post["id"] for post in json.loads(declared.stdout)] == expected
    assert guessed.stdout == declared.stdout
    assert len(expected) > 200


@pytest.mark.parametrize(
    "options",
    [
        ["--paging", "Cursor(1)"],
        ["--paging", "Cursor(field=open('x'), param='y')"],
        ["--paging", "Nope()"],
        ["--paging", "Step(call=None)"],
        ["--paging", "__import__('os').system('true')"],
        ["--columns", "[1]"],
        ["--columns", "5"],
        ["--columns", '"abc"'],
        ["--columns", '{"a": 5}'],
        ["--columns", '{"_extra": "string"}'],
        ["-o", ".parquet"],
        ["-o", "folder/.jsonl"],
    ],
    ids=str,
)
def test_invalid_options_are_usage_errors(options):
    """One sentence, no traceback."""
    result = run("fetch", "/v1/posts", *options, "--sandbox")

    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)


def test_a_repeated_parameter_of_fetch_is_a_list():
    """Only the first equals sign separates name and value."""
    assert _parse_params(("a=1", "b=x=y", "a=2", "a=3")) == {"a": ["1", "2", "3"], "b": "x=y"}


def test_inspect_reports_a_limit_and_filtered_rows(tmp_path):
    """A file with some of the rows is not shown as complete."""
    api = sf.Client.sandbox()
    api.posts().limit(100).to_parquet(tmp_path / "limited.parquet")
    frame = api.accounts().frame()
    sf.to_parquet(frame[frame["platform"] == "tiktok"], tmp_path / "some.parquet")

    assert "complete up to the limit" in run("inspect", str(tmp_path / "limited.parquet")).output
    assert "3 rows here, of 17 received" in run("inspect", str(tmp_path / "some.parquet")).output


def test_drift_prints_a_table_with_suggested_declarations_or_json(sandbox_of, tmp_path):
    """--endpoint compares with another endpoint; without drift there is a sentence or []."""
    path, plain = str(tmp_path / "drifting.parquet"), str(tmp_path / "plain.parquet")
    sandbox_of("accounts", "-o", path, extra_fields=True)
    sandbox_of("accounts", "-o", plain)

    table, shown = run("drift", path).stdout, json.loads(run("drift", path, "--json").stdout)
    line = 'Column(name="marks", path="marks", type="list<string>", meaning=""),'
    assert "\nunknown            /marks " in table
    assert line in table.splitlines()
    assert [row["pointer"] for row in shown][:2] == ["/marks", "/revision.no~1~01"]
    assert shown[0]["declare"] == line
    assert shown[0]["share"] == 1.0
    health = json.loads(run("drift", path, "--endpoint", "health", "--json").stdout)
    assert "/connectedAt" not in [row["pointer"] for row in health]
    assert run("drift", plain).stdout.startswith("No drift")
    assert json.loads(run("drift", plain, "--json").stdout) == []


def test_drift_of_a_file_without_an_endpoint_asks_for_the_option(tmp_path):
    """Exit code 2."""
    pd.DataFrame({"_extra": ["{}"]}).to_parquet(tmp_path / "plain.parquet")

    done = run("drift", str(tmp_path / "plain.parquet"))

    assert done.exit_code == 2
    assert "endpoint=" in done.stderr


def test_budget_prints_a_sentence_or_json(monkeypatch):
    """No request is sent."""
    monkeypatch.setenv("SOCIALAPI_KEY", KEY)

    text = run("budget")
    assert text.output == "60 calls in 60 s: 0 used, 60 left, next call now\n"
    shown = json.loads(run("budget", "--tier", "paid", "--json").output)
    assert shown["limit"] == {"calls": 600, "seconds": 60.0}
    assert (shown["used"], shown["left"], shown["next_free"], shown["shared_by"]) == (
        0,
        600,
        0.0,
        1,
    )


def test_budget_without_a_key_is_an_error():
    """Exit code 3."""
    done = run("budget")

    assert done.exit_code == 3
    assert "There is no API key" in done.output


def cpu_seconds(*arguments):
    """Return the CPU time of a Python process, which other processes hardly disturb."""
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


@pytest.mark.processes
def test_the_help_of_every_command_takes_at_most_three_times_as_long_as_the_import_of_click():
    """That import takes 50 ms on a slow machine. A verb that takes longer is tried again."""
    groups = {name: getattr(command, "commands", {}) for name, command in main.commands.items()}
    verbs = [[name, *one] for name, inner in groups.items() for one in ([], *([i] for i in inner))]
    allowed = 3 * min(cpu_seconds("-c", "import click") for _ in range(3))

    for verb in ([], *verbs):
        times = (cpu_seconds("-m", "socialframe", *verb, "--help") for _ in range(3))
        assert any(seconds <= allowed for seconds in times), verb
