"""The command `tubetwin targets`."""

from typing import Any

from twin.cli import options
from twin.files.json import print_json


def targets(as_json: options.Json = False) -> None:
    """List what the firmware can be run on here and now, and what is missing for the rest.

    Ports of boards on USB are asked who is there; all other ports are left alone.
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
                "reason": "" if ready else found.detail + (f": {found.mend}" if found.mend else ""),
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
