"""Functions exp, log and power from the four operations only, the same to the last bit on every
processor.

The C libraries of a desktop and the ROM of a microcontroller round the last bit of exp and pow
differently; + - * / and sqrt are exact everywhere by IEEE 754. With these three the firmware
calculates the same numbers on a board as on the single-precision interpreter that tests it.
Reduction of the argument as in Cody and Waite, Software Manual for the Elementary Functions
(1980); the relative error is below 1e-10 in double precision.
"""

from math import frexp, ldexp

LOG2_E = 1.4426950408889634
LN2_HIGH = 0.693359375  # 10 bits, so that its small multiples are exact in single precision
LN2_LOW = -2.1219444005469058e-4
SQRT_HALF = 0.7071067811865476
LARGEST = 88.0  # the exponential of this is just below what single precision can hold


def exp(x: float) -> float:
    """e to the power of x; beyond +-88 as at +-88."""
    if x > LARGEST:
        x = LARGEST
    elif x < -LARGEST:
        x = -LARGEST
    k = int(x * LOG2_E + (0.5 if x >= 0.0 else -0.5))
    r = (x - k * LN2_HIGH) - k * LN2_LOW  # within +-0.35
    p = 1.0 + r * (1.0 / 9.0)
    p = 1.0 + r * (1.0 / 8.0) * p
    p = 1.0 + r * (1.0 / 7.0) * p
    p = 1.0 + r * (1.0 / 6.0) * p
    p = 1.0 + r * 0.2 * p
    p = 1.0 + r * 0.25 * p
    p = 1.0 + r * (1.0 / 3.0) * p
    p = 1.0 + r * 0.5 * p
    return ldexp(1.0 + r * p, k)


def log(x: float) -> float:
    """Natural logarithm of x, which is above 0."""
    m, k = frexp(x)
    if m < SQRT_HALF:
        m += m
        k -= 1
    s = (m - 1.0) / (m + 1.0)  # within +-0.172
    z = s * s
    p = z * (1.0 / 3.0 + z * (0.2 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z * (1.0 / 11.0)))))
    return k * LN2_HIGH + (k * LN2_LOW + 2.0 * s * (1.0 + p))


def power(x: float, y: float) -> float:
    """x to the power of y, for x not below 0 and y above 0."""
    return exp(y * log(x)) if x > 0.0 else 0.0
