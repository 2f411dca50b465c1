"""BPF programs that processes hold open, read from their fdinfo."""

from types import SimpleNamespace

from tasks.execution import bpf

from ..paths import DATA


class OneAnswer:
    """A host that answers every command with the same output."""

    def __init__(self, stdout: str) -> None:
        self.stdout = stdout

    async def run(self, argv, *, check):
        return SimpleNamespace(status=0, stdout=self.stdout, stderr="")


def printed(path: str, text: str) -> str:
    return f"==> {path} <==\n" + "".join(f" {line}\n" for line in text.splitlines())


async def test_the_counters_of_a_program_come_from_its_own_descriptor_not_from_a_link():
    program = (DATA / "proc/fdinfo_program.txt").read_text()
    link = "pos:\t0\nlink_type:\ttracing @ x\nlink_id:\t7\nprog_tag:\t88\nprog_id:\t100\n"
    answer = printed("/proc/9/fdinfo/4", program) + printed("/proc/9/fdinfo/5", link)
    found = await bpf.programs_of(OneAnswer(answer), [9])
    assert found == {100: bpf.Counted(100, "tracepoint", "888546de2943b66d", 40, 79652)}


async def test_a_line_that_looks_like_a_header_does_not_truncate_a_section():
    text = "pos:\t0\nname: x @ 2.20GHz\n==> /proc/1/fdinfo/1 <==\nprog_tag:\t88\nprog_id:\t3\n"
    found = await bpf.programs_of(OneAnswer(printed("/proc/9/fdinfo/4", text)), [9])
    assert list(found) == [3]
    assert found[3].tag == "88"


async def test_without_processes_there_are_no_programs():
    assert await bpf.programs_of(OneAnswer("unused"), []) == {}
