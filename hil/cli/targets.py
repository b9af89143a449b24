"""The command `tubetwin targets`."""

from typing import Any

from twin.cli import options
from twin.files.json import print_json


def targets(as_json: options.Json = False) -> None:
    """List the targets that are available here, and what is missing for the others.

    Opens the ports of boards on USB and looks for a unit there; opens no other port.
    """
    from hil.targets.targets import builtin_targets
    from hil.unit.doctor import plugged_in

    rows: list[dict[str, Any]] = []
    for one in builtin_targets():
        reason = one.missing()
        rows.append(
            {
                "target": one.name,
                "available": reason is None,
                "modes": list(one.modes),
                "what": one.what,
                "reason": reason or "",
            }
        )
    for found in plugged_in():
        if found.what == "no board":
            continue
        ready = found.state == "ok"
        rows.append(
            {
                "target": found.what,
                "available": ready,
                "modes": ["lockstep", "real-time"],
                "what": found.detail if ready else "a serial port",
                "reason": "" if ready else found.detail + (f": {found.fix}" if found.fix else ""),
            }
        )
    if as_json:
        print_json(rows)
        return
    lines = []
    width = max(len(str(row["target"])) for row in rows)
    for row in rows:
        state = f"ready    {', '.join(row['modes'])}" if row["available"] else "missing"
        lines.append(f"{row['target']:{width}}  {state:29}  {row['what']}")
        if row["reason"]:
            lines.append(f"{'':{width}}  {'':29}  {row['reason']}")
    port = "a board on a serial line: /dev/ttyACM0, socket://host:port, …"
    print("\n".join([*lines, f"{'PORT':{width}}  {'':29}  {port}"]))
