"""Numbers and times as a person reads them."""

import math


def number(value: float | None, digits: int = 3) -> str:
    """A number rounded to `digits` significant digits; a dash for None, NaN or infinity."""
    if value is None or not math.isfinite(value):
        return "–"
    if abs(value) >= 10**digits:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def against(value: float | None, limit: float) -> str:
    """A number with enough digits to differ from the limit in print, unless both are equal."""
    digits = 3
    while value is not None and value != limit and number(value, digits) == number(limit, digits):
        digits += 1
    return number(value, digits)


def duration(seconds: float) -> str:
    """A time span (s) in words, in seconds, minutes, hours or days, by its length."""
    if seconds < 120:
        return f"{number(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours = seconds / 3600
    if hours >= 96:
        return f"{number(hours / 24)} days"
    if minutes % 6 == 0:
        return f"{hours:.1f} h".replace(".0 h", " h")
    return f"{minutes // 60} h {minutes % 60} min"
