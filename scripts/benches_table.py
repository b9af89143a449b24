"""Print the table of docs/bench/benches.md from hil/wiring/built_in/; the page must contain it.

python scripts/benches_table.py
"""

from hil.wiring.plan import Bench, builtin_benches, load_bench
from twin.world.faults import FAULTS

PAGE = "bench/benches.md"  # in docs/


def how(bench: Bench, kind: str) -> str:
    """How a bench makes a fault, in few words."""
    fault = bench.faults.get(kind)
    if fault is None:
        return "–"
    words = {
        "seam": "counts in the frames",
        "pin": f"pin `{fault.pin}`",
        "off-bus": f"off the bus: {', '.join(f'`{chip}`' for chip in fault.chips)}",
        "relay": f"relay `{fault.terminal}`",
    }
    return words[fault.by]


def table() -> str:
    benches = [load_bench(name) for name in builtin_benches()]
    heads = ["fault", *(f"`{bench.name}`" for bench in benches), "what is wrong then"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for kind, meaning in FAULTS.items():
        cells = [f"`{kind}`", *(how(bench, kind) for bench in benches), meaning]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
