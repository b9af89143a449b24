"""Autotune: measures a tube's head and fan and derives the constants of the thermal law.

It replaces the thermal law for about 75 minutes of beam. A relay switches between two speeds
of the fan, or two powers of the beam, each time the head has passed its set-point by BAND_K
(Astrom and Hagglund, Automatica 20 (1984) 645; with unequal steps as Berner, Hagglund and Astrom,
Control Eng. Practice 54 (2016) 231). So the head stays at its set-point with any plant, and no
working gains are needed before. The interlocks stay armed. docs/board/autotune.md describes the
procedure. Settings are not changed: the caller reads `found()`, checks it and stores it.
"""

from firmware.calibration import FAN_FULL
from firmware.elementary import power
from firmware.laws import autotune_fit as tuning
from firmware.laws.thermal import MIN_EXCESS_K
from firmware.state import Plain, clamp

# In FIT and REFIT the relay continues while the fan's law is searched, one trial a step.
IDLE, APPROACH, SETTLE, MIDDLE, LESS, FIT, FAN, POWER, REFIT, DONE, FAILED = range(11)
STAGES = (
    "idle",
    "approach",
    "settle",
    "middle",
    "less",
    "fit",
    "fan",
    "power",
    "refit",
    "done",
    "failed",
)
SLOPES = (FAN, POWER)  # stages in which slopes are measured
BEGINS = (0.0, 0.0, 0.02, 0.28, 0.42, 0.55, 0.56, 0.78, 0.99, 1.0, 1.0, 1.0)  # of the progress
USUAL_S = 1000.0  # what a stage takes, for the progress

STOPPED, STALE, STUCK, HOT, COLD, ROOM, RESTLESS, MISFIT = range(1, 9)
REASONS = (
    "",
    "stopped, or the beam went off, before its end",
    "a temperature reading is too old",
    "the head's reading does not move: its sensor is stuck, or nothing heats and cools the head",
    "the head stays above its set-point at full fan: the fan is dead or too weak for this room",
    "the head stays below its set-point at the lowest fan speed: lower head_set_c or warm the room",
    "the room's temperature moved by more than 5 K",
    "the head does not come to rest",
    "the readings fit no fan and no head: does the power follow, does the fan cool?",
)

BAND_K = 0.2  # the relay's hysteresis, either way
SMOOTH_S = 2.0  # against switching on noise
CYCLES = 4  # cycles of the relay in a mean; one less where slopes are measured
LEAST_S = 480.0  # shortest duration of a mean
DWELL_S = 120.0  # between two switches, where slopes are measured
BEND_S = 60.0  # after a switch the head's slope is not straight yet
SWING = 0.12  # of the heat, either way, where slopes are measured
LESS_POWER, MOST_LESS = 0.8, 0.94  # the second current, and its maximum
LEAST_CURRENT = 0.3
DROP = 0.2  # of the heat, where the beam is switched: a filament may be most of it
NOMINAL = 0.8  # exponent of a fan, before it is known
REST_PART = 0.02  # two means in a row that differ by less: all is at rest
LOW_K, HIGH_K = 3.0, 5.0  # a larger distance of the head from its set-point stops the autotune
ROOM_K = 5.0
STALE_MS = 3000
STUCK_S = 120.0
LONGEST_S = (0.0, 3600.0, 900.0, 900.0, 400.0, 900.0, 900.0, 900.0, 900.0)  # without a switch
LONGEST_REST_S = 7200.0


class Autotune(Plain):
    """The autotune law. Call `goes_on` twice a second; while it is True, call `step` instead of the
    thermal law's.

    Its outputs are `fan_program_raw` and `ma_part`, the part of the commanded current.
    """

    STATE = (
        "wanted",
        "stage",
        "reason",
        "ma_part",
        "fan",
        "fan_program_raw",
        "warming",
        "time_s",
        "half_s",
        "still_s",
        "last_c",
        "smooth_k",
        "first_room_c",
        "room_c",
        "slow",
        "fast",
        "less",
        "cycles",
        "span_s",
        "heat_j",
        "fast_ks",
        "excess_ks",
        "full_w",
        "beam_w",
        "rest",
        "stored_j",
        "points",
        "law",
        "squares",
        "sums",
        "answer",
        "by_beam",
        "values",
    )

    def __init__(self, settings):
        self.settings = settings
        self.wanted = False
        self._begin()
        self.stage = IDLE

    def _begin(self) -> None:
        self.reason = 0
        self.time_s = self.half_s = self.still_s = self.smooth_k = 0.0
        self.last_c = self.first_room_c = self.room_c = -300.0  # not read yet
        self.warming = True
        self.less = LESS_POWER
        self.full_w = self.beam_w = 0.0
        self.rest = 0.0  # the fan's speed at rest, once known
        self.points: list = []  # a mean of each stage, see tuning.fan_law
        self.law: list = []
        self.answer: list = []  # to the fan, see tuning.answer
        self.by_beam: list = []  # to the beam
        self.squares: list = []
        self.values: dict = {}
        self._enter(APPROACH)

    def goes_on(self, wanted: bool) -> bool:
        """Start on a new request, stop when the request is withdrawn. True while the autotune
        runs."""
        if wanted != self.wanted:
            self.wanted = wanted
            if wanted:
                self._begin()
            elif IDLE < self.stage < DONE:
                self._fail(STOPPED)
        return IDLE < self.stage < DONE

    def progress(self) -> float:
        """Return the completed part, 0 to 1."""
        begins, ends = BEGINS[self.stage], BEGINS[self.stage + 1]
        return begins + (ends - begins) * clamp(self.span_s / USUAL_S, 0.0, 1.0)

    def found(self) -> dict:
        """Return the settings by name when done; empty before, and after a failure."""
        return dict(self.values)

    def state(self) -> dict:
        state = Plain.state(self)
        for name in ("points", "squares", "sums", "answer", "values"):  # continue to change
            state[name] = state[name].copy()
        return state

    def step(self, dt_s: float, head_c: float, room_c: float, power_w: float, age_ms: int) -> None:
        """Run one step: head and room (degC), heat put in (W), age of the older temperature
        (ms)."""
        head_k = head_c - self.settings.head_set_c
        if self.first_room_c < -273.0:
            self.first_room_c = room_c
            self.smooth_k = head_k
        self.room_c = room_c
        self.still_s = self.still_s + dt_s if head_c == self.last_c else 0.0
        self.last_c = head_c
        self.smooth_k += (head_k - self.smooth_k) * dt_s / (SMOOTH_S + dt_s)
        self.time_s += dt_s
        self.half_s += dt_s
        if self._wrong(age_ms):
            return
        excess_ks = (head_c - room_c) * dt_s
        self.span_s += dt_s
        self.heat_j += power_w * dt_s
        self.excess_ks += excess_ks
        if not self.warming:
            self.fast_ks += excess_ks
        if self.stage in SLOPES and self.cycles >= 0:
            g0, g1, exponent = self.law
            heat_w = power_w - (g0 + g1 * power(self.fan, exponent)) * (head_c - room_c)
            self.stored_j += heat_w * dt_s
            learn = tuning.straight if self.half_s > BEND_S else tuning.bend
            learn(self.sums, self.warming, self.span_s, self.stored_j, heat_w, head_k)
        self._relay()
        if self.stage == FIT or self.stage == REFIT:
            self._search()
        self._actuate()

    def _wrong(self, age_ms: int) -> bool:
        """Return True if an error stops the autotune. A smaller power is tried first."""
        stage, reason = self.stage, 0
        head_k = self.smooth_k if stage > APPROACH else 0.0
        late = self.half_s > LONGEST_S[stage]
        still = self.still_s > STUCK_S
        gives_way = (stage == LESS or stage == POWER) and self.less < MOST_LESS
        excess_k = self.settings.head_set_c - self.room_c
        if age_ms > STALE_MS:
            reason = STALE
        elif still and not gives_way:
            reason = STUCK
        elif abs(self.room_c - self.first_room_c) > ROOM_K:
            reason = ROOM
        elif head_k > HIGH_K or (late and not self.warming) or excess_k < MIN_EXCESS_K:
            reason = HOT
        elif head_k < -LOW_K or late or still:
            reason = 0 if gives_way else COLD
            if gives_way:
                self.less = 0.5 * (1.0 + self.less)
                self.still_s = 0.0
                self._enter(stage)
        if reason:
            self._fail(reason)
        return reason > 0

    def _fail(self, reason: int) -> None:
        self.stage = FAILED
        self.reason = reason
        self.ma_part = 1.0

    def _actuate(self) -> None:
        self.fan = self.slow if self.warming else self.fast
        self.fan_program_raw = int(self.fan * FAN_FULL + 0.5)
        less = self.stage == LESS or (self.stage == POWER and not self.warming)
        self.ma_part = self.less if less else 1.0

    def _relay(self) -> None:
        """Switch outside the band; a cycle is complete at each change to warming."""
        if self.stage in SLOPES and self.half_s < DWELL_S:
            return
        if self.smooth_k > BAND_K if self.warming else self.smooth_k < -BAND_K:
            self.warming = not self.warming
            self.half_s = 0.0
            if self.warming:
                self._cycle()

    def _cycle(self) -> None:
        enough = CYCLES - 1 if self.stage in SLOPES else CYCLES
        self.cycles += 1
        if self.stage == APPROACH:
            self._enter(SETTLE)
        elif self.cycles == 0:  # the cycle before was not periodic yet
            self._count(0)
        elif self.cycles >= enough and self.span_s >= LEAST_S:
            self._mean(self.stage)

    def _count(self, cycles: int) -> None:
        self.cycles = cycles
        self.span_s = self.heat_j = self.fast_ks = self.excess_ks = 0.0

    def _mean(self, stage: int) -> None:
        """Complete a stage: keep its mean, use it, and enter the next stage."""
        heat_w = self.heat_j / self.span_s
        heat_w_per_k, share = self.heat_j / self.excess_ks, self.fast_ks / self.excess_ks
        middle_ks = 0.001 * (self.time_s - 0.5 * self.span_s)
        self.points.append(tuning.balance(heat_w_per_k, share, self.slow, self.fast, middle_ks))
        fits = True
        if stage == SETTLE:
            self.full_w = heat_w
            if not self._at_rest():
                return
        elif stage == LESS:
            self.beam_w = (self.full_w - heat_w) / (1.0 - self.less)
            fits = self.beam_w > 0.0
        elif stage == FAN:
            self.answer = tuning.answer(self.sums, BEND_S)
            fits = bool(self.answer)
            share = min(1.0, 1.8 * (1.0 - self.less) / (1.0 - LESS_POWER))
            self.less = max(LEAST_CURRENT, 1.0 - share * DROP * self.full_w / self.beam_w)
        elif stage == POWER:
            self.by_beam = tuning.answer(self.sums, BEND_S)
            fits = bool(self.by_beam)
        if fits:
            self._enter(stage + 1)
        else:
            self._fail(MISFIT)

    def _search(self) -> None:
        """Try one more exponent of the fan. After the last, fit the law and derive the settings."""
        trial = len(self.squares)
        if trial < tuning.TRIALS:
            self.squares.append(tuning.squares_left(self.points, trial))
            return
        before, self.law = self.law, tuning.fan_law(self.points, self.squares)
        self.squares = []
        fits = bool(self.law)
        if fits and self.stage == REFIT:
            # The fan's heat was calculated with the law known at that time.
            self.answer[0] *= self.law[1] / before[1]
            full = (self.full_w, self.settings.head_set_c - self.room_c)
            self.values = tuning.constants(self.law, self.answer, self.by_beam, full)
            fits = bool(self.values)
        if fits:
            self._enter(self.stage + 1)
        else:
            self._fail(MISFIT)

    def _at_rest(self) -> bool:
        """True if the last two means agree. Otherwise drops the older; another is measured."""
        self._count(0)
        if len(self.points) < 2:
            return False
        older, newer = self.points
        self.points = [newer]
        now = tuning.mean_power(newer, NOMINAL)
        with_room = (newer[0] - older[0]) / self.settings.fan_g1_w_per_k
        if abs(now - tuning.mean_power(older, NOMINAL) - with_room) < REST_PART * now:
            return True
        if self.time_s > LONGEST_REST_S:
            self._fail(RESTLESS)
        return False

    def _enter(self, stage: int) -> None:
        """Begin a stage and set its two levels. The relay continues from its present level."""
        self.stage = stage
        least = self.settings.fan_min
        slow, fast = least, 1.0
        if stage == MIDDLE:
            rest = self.rest = power(tuning.mean_power(self.points[0], NOMINAL), 1.0 / NOMINAL)
            slow, fast = least + (rest - least) / 3.0, rest + (1.0 - rest) / 3.0
        elif stage == FAN:
            slow, fast = self._speed(1.0 - SWING), self._speed(1.0 + SWING)
        elif stage == POWER:
            slow = fast = self._speed(1.0 - 0.5 * (1.0 - self.less) * self.beam_w / self.full_w)
        self.slow, self.fast = slow, fast
        self.sums = [0.0] * tuning.SUMS
        self.stored_j = self.half_s = 0.0
        self._count(-1)
        self._actuate()

    def _speed(self, part: float) -> float:
        """Return the fan's speed that carries away this part of the full heat at the set-point."""
        g0, g1, exponent = self.law
        wanted = (part * self.full_w / (self.settings.head_set_c - self.room_c) - g0) / g1
        return clamp(power(wanted, 1.0 / exponent), self.settings.fan_min, 1.0)
