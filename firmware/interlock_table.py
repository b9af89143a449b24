"""The interlocks: what trips each of them, after how long, and what it cites.

firmware/interlocks.py acts on them. A trip is told by its code.
"""

# (code, name, what trips it, after how many ms, what it cites)
TABLE = (
    (1, "chain-a", "interlock chain, channel A, open", 0, "21 CFR 1020.40 (c)(4)(i)"),
    (2, "chain-b", "interlock chain, channel B, open", 0, "21 CFR 1020.40 (c)(4)(i)"),
    (
        3,
        "chain-disagree",
        "one channel open alone for too long; both must be seen open, then closed, before a start",
        500,
        "ISO 13849-1 category 3, discrepancy",
    ),
    (4, "generator", "the generator reports a fault, or takes no programs", 0, "generator manual"),
    (5, "over-voltage", "tube voltage above its limit", 0, "21 CFR 1020.40 (c)(1)"),
    (6, "over-current", "emission current above its limit", 0, "21 CFR 1020.40 (c)(1)"),
    (7, "over-power", "power above its limit", 0, "target loading"),
    (
        8,
        "stale-monitors",
        "voltage and current monitors too old",
        50,
        "docs/contributing/architecture.md",
    ),
    (9, "over-temperature", "tube head too hot, or its sensor broken", 200, "tube rating"),
    (10, "head-sensor", "head temperature reads below the sensor's range", 200, "short circuit"),
    (11, "stale-head", "head temperature too old", 3000, "docs/contributing/architecture.md"),
    (12, "fan", "fan turns at less than half of what it is told", 5000, "air cooling lost"),
    (
        13,
        "lamp",
        "X-RAY ON lamp draws too little or too much current",
        200,
        "21 CFR 1020.40 (c)(6)(iii)",
    ),
    (
        14,
        "voltage-present",
        "tube voltage read back although none is enabled",
        1000,
        "21 CFR 1020.40 (c)(4)(iv): the generator must have obeyed",
    ),
    (
        15,
        "no-current",
        "no current is read back although the bias is above its set-point",
        200,
        "a dead current monitor or an open filament must not open the grid",
    ),
    (
        16,
        "current-astray",
        "the current stays away from its target",
        30000,
        "the emission law has lost its authority",
    ),
    (
        17,
        "arcing",
        "the tube voltage has broken down four times within 10 s",
        0,
        "generator practice: a tube that keeps arcing is conditioned anew",
    ),
    (
        18,
        "no-voltage",
        "the tube voltage read back stays below 95 % of its program",
        1000,
        "a dead voltage monitor or a generator that does not come back",
    ),
)
