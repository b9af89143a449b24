"""Fits of an autotune's measurements: the fan's law, the head's answer, the gains. Arithmetic on a
few numbers, which firmware/laws/autotune.py collects. docs/board/autotune.md derives the formulas.
"""

from math import sqrt

from firmware.elementary import exp, log
from firmware.laws.thermal import RATE_FILTER_S
from firmware.state import clamp

LOWEST, STEP, TRIALS = 0.3, 0.05, 25  # exponents that are tried, 0.3 to 1.5
STANDSTILL = -20.0  # for the logarithm of no speed
TIGHTNESS = 3.0  # closed-loop time over delay: 1 is SIMC's tight control, more is smoother
FAN_NOISE = 0.02  # part of full speed, rms, that the sensor's noise may cause
FIT_PART = 0.3  # the head's heat capacity, by the fan and by the beam, may differ by this
LEAST_DELAY_S = 3.0  # six steps of the law; faster lags are not distinguished


def balance(heat_w_per_k: float, share: float, slow: float, fast: float, time_ks: float):
    """Return the balance of a stage: heat over excess, the share of its time that the fan ran fast,
    the logarithms of both speeds, and when."""
    return (
        heat_w_per_k,
        share,
        log(slow) if slow > 0.0 else STANDSTILL,
        log(fast) if fast > 0.0 else STANDSTILL,
        time_ks,
    )


def mean_power(point, exponent: float) -> float:
    """Return the mean of speed**exponent over a stage."""
    low = exp(exponent * point[2])
    return low + point[1] * (exp(exponent * point[3]) - low)


def squares_left(points, trial: int) -> float:
    """Return the sum of squares of the stages' balances for a fan with this trial's exponent."""
    line = _line(points, LOWEST + STEP * trial)
    return line[2] if line else 1.0


def fan_law(points, squares) -> list:
    """Fit the law g0 + g1 v**n to the stages' balances; returns [g0 W/K, g1 W/K, exponent].

    squares : result of `squares_left` for each trial; a parabola gives the minimum
    Empty if the balances do not distinguish g0 from g1, or no fan has the exponent.
    """
    at = 1
    for trial in range(1, TRIALS - 1):
        if squares[trial] < squares[at]:
            at = trial
    before, here, after = squares[at - 1 : at + 2]
    if before <= here or after < here:
        return []
    exponent = LOWEST + STEP * (at + 0.5 * (before - after) / (before - 2.0 * here + after))
    line = _line(points, exponent)
    return [line[0], line[1], exponent] if line and line[1] > 0.0 else []


def _line(points, exponent: float):
    """Fit a straight line over `mean_power`; returns (g0, g1, squares left), or None without a
    solution.

    A steady change over time, of an optics mount or a room that is not at rest yet, is fitted
    with it and dropped, from four points on.
    """
    count = len(points)
    mean_x = mean_y = mean_t = 0.0
    powers = []
    for point in points:
        x = mean_power(point, exponent)
        powers.append(x)
        mean_x += x / count
        mean_y += point[0] / count
        mean_t += point[4] / count
    xx = xt = tt = xy = ty = yy = 0.0
    for i in range(count):
        x, y, t = powers[i] - mean_x, points[i][0] - mean_y, points[i][4] - mean_t
        xx += x * x
        xt += x * t
        tt += t * t
        xy += x * y
        ty += t * y
        yy += y * y
    if count < 4:
        xt = ty = 0.0
    determinant = xx * tt - xt * xt
    if determinant <= 1e-3 * xx * tt:
        return None
    g1 = (xy * tt - ty * xt) / determinant
    drift = (ty * xx - xy * xt) / determinant
    return mean_y - g1 * mean_x, g1, yy - g1 * xy - drift * ty


# The head's response to heat: least squares of T = a + b t + (E - L q) / C, where E is the heat (J)
# since the stage began and q the present heat (W). In the straight parts after a switch every lag
# is a delay: C is the heat capacity, L the sum of the lags. In the bends before, the area between
# head and straight part tells their second moment. The whole memory is a list of SUMS numbers, in
# units that keep them near 1: K, ks, kJ, 10 W.
SUMS = 20


def straight(sums, up: bool, t_s: float, heat_j: float, heat_w: float, head_k: float) -> None:
    """Add one reading in a straight part; `head_k` counts from the set-point."""
    row = (1.0, 0.001 * t_s, 0.001 * heat_j, 0.1 * heat_w)
    at = 0
    for i in range(4):
        for j in range(i + 1):
            sums[at] += row[i] * row[j]
            at += 1
        sums[10 + i] += row[i] * head_k
    sums[14] += head_k * head_k


def bend(sums, up: bool, t_s: float, heat_j: float, heat_w: float, head_k: float) -> None:
    """Add one reading in a bend, of a head that is going `up`, or down."""
    sign = 1.0 if up else -1.0
    sums[15] += sign
    sums[16] += sign * 0.001 * t_s
    sums[17] += sign * 0.001 * heat_j
    sums[18] += sign * 0.1 * heat_w
    sums[19] += sign * head_k


def answer(sums, bend_s: float) -> list:
    """Return [capacity J/K, delay s, slowest lag s, noise K rms]; empty without a solution.

    bend_s : duration of each bend
    """
    fit = solved(sums)
    if fit is None or fit[2] <= 0.0 or sums[18] <= 0.0:
        return []
    capacity = 1000.0 / fit[2]
    delay_s = -0.1 * fit[3] * capacity  # an anode attached to the head reduces it
    left, area = sums[14], sums[19]
    for i in range(4):
        left -= fit[i] * sums[10 + i]
        area -= fit[i] * sums[15 + i]
    # Mean area over mean change of slope is half the second moment, (L**2 + squares) / 2;
    # the change of slope is twice the mean heat over C.
    squares = area * bend_s * capacity / (10.0 * sums[18]) - delay_s * delay_s
    slowest_s = sqrt(squares) if squares > 0.0 else 0.0
    return [
        capacity,
        delay_s,
        clamp(slowest_s, 0.0, max(0.0, delay_s)),
        sqrt(max(0.0, left) / sums[0]),
    ]


def solved(sums):
    """Solve the normal equations in sums[0:14] for four unknowns, by Cholesky; None if singular."""
    root = [0.0] * 10
    fit = [0.0] * 4
    at = 0
    for i in range(4):
        for j in range(i + 1):
            value = sums[at]
            for k in range(j):
                value -= root[i * (i + 1) // 2 + k] * root[j * (j + 1) // 2 + k]
            if i == j:
                if value <= 1e-5 * sums[at]:
                    return None
                root[at] = sqrt(value)
            else:
                root[at] = value / root[j * (j + 1) // 2 + j]
            at += 1
        value = sums[10 + i]
        for k in range(i):
            value -= root[i * (i + 1) // 2 + k] * fit[k]
        fit[i] = value / root[i * (i + 1) // 2 + i]
    for i in (3, 2, 1, 0):
        for k in range(i + 1, 4):
            fit[i] -= root[k * (k + 1) // 2 + i] * fit[k]
        fit[i] /= root[i * (i + 1) // 2 + i]
    return fit


def gains(capacity: float, delay_s: float, slowest_s: float, noise_k: float, fan_w: float):
    """Return (kp W/K, ki W/(K s), kd W s/K) for the head as an integrator with a delay.

    fan_w : heat (W) that the fan would carry away at full speed with its slope at the set-point
    SIMC: Skogestad, J. Process Control 13 (2003) 291. The derivative cancels the slowest lag as far
    as its own filter is faster; the filter then counts as a lag itself.
    """
    lead_s = clamp(slowest_s - RATE_FILTER_S, 0.0, RATE_FILTER_S)
    delay_s = max(delay_s - lead_s, LEAST_DELAY_S)
    time_s = (1.0 + TIGHTNESS) * delay_s  # SIMC's tau_c + theta
    # Noise reaches the fan through kp and kd; slower if the fan's change of speed would be audible.
    quiet_s = capacity * noise_k * (1.0 + lead_s / RATE_FILTER_S) / (FAN_NOISE * fan_w)
    time_s = max(time_s, quiet_s)
    kp = capacity / time_s
    return kp, kp / (4.0 * time_s), kp * lead_s


def constants(law, by_fan, by_beam, full) -> dict:
    """Return the settings by name; empty if the results fit no fan and no head.

    law  : the fan's law, from `fan_law`
    by_fan, by_beam  : the head's answer to the fan and to the beam, from `answer`
    full             : heat (W) and excess over the room (K) at the set-point
    """
    g0, g1, exponent = law
    full_w, excess_k = full
    capacity, delay_s, slowest_s, noise_k = by_fan
    carried_w = full_w - g0 * excess_k  # by the fan
    if g0 <= 0.0 or carried_w <= 0.0 or abs(by_beam[0] - capacity) > FIT_PART * capacity:
        return {}
    speed = min(1.0, exp(log(carried_w / excess_k / g1) / exponent))
    kp, ki, kd = gains(capacity, delay_s, slowest_s, noise_k, exponent * carried_w / speed)
    return {
        "head_kp_w_per_k": kp,
        "head_ki_w_per_k_s": ki,
        "head_kd_w_s_per_k": kd,
        # The beam's heat reaches the head later than the fan's answer, by this time.
        "anode_lag_s": max(0.0, by_beam[1] - delay_s),
        "fan_g0_w_per_k": g0,
        "fan_g1_w_per_k": g1,
        "fan_exponent": exponent,
    }
