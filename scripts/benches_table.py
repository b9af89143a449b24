"""Print the table of docs/bench/benches.md from hil/wiring/built_in/; the page must contain it.

python scripts/benches_table.py
"""

from hil.wiring.plan import WiringPlan, builtin_plans, load_plan
from twin.world.faults import FAULTS

PAGE = "bench/benches.md"  # in docs/


def how(plan: WiringPlan, kind: str) -> str:
    """How a fault is made with a plan, in few words."""
    fault = plan.faults.get(kind)
    if fault is None:
        return "–"
    words = {
        "seam": "counts in the frames",
        "pin": f"pin `{fault.pin}`",
        "off-bus": f"off the bus: {', '.join(f'`{chip}`' for chip in fault.chips)}",
    }
    return words[fault.by]


def table() -> str:
    plans = [load_plan(name) for name in builtin_plans()]
    heads = ["fault", *(f"`{plan.name}`" for plan in plans), "what is wrong then"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for kind, meaning in FAULTS.items():
        cells = [f"`{kind}`", *(how(plan, kind) for plan in plans), meaning]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
