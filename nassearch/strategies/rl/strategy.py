"""REINFORCE (RL): a controller that learns which options pay, after Williams (1992) and Zoph and Le (2017)."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Protocol

import numpy as np

from nassearch.checks import number
from nassearch.errors import InvalidSetting, UnknownName
from nassearch.spaces.base import SearchSpace
from nassearch.strategies.base import Guidance, Strategy, scored
from nassearch.types import Arch, Floats, Scorer

BETAS, TINY = (0.9, 0.999), 1e-8
"""Of Adam (Kingma and Ba, 2015), as they recommend."""
ABSENT = -1e9
"""Logarithm of the share of an option that a decision does not have: its probability is exactly 0."""
REDRAWS = 1000
"""Draws in a row that may mean no architecture; then one is drawn uniformly."""
ROWS = 10
"""Rows of the report on a warm-up, after the one of its beginning."""


class Controller(Protocol):
    """A policy over architectures that rewards change."""

    def draw(self, uniforms: Floats) -> tuple[int, ...]:
        """Draw an option per decision by inversion of one uniform number each, `[D]`."""

    def learn(self, decisions: tuple[int, ...], advantage: float) -> None:
        """Make decisions more likely by an advantage above 0, less likely by one below."""

    def entropy(self) -> float:
        """Return the entropy in nats, summed over the decisions."""

    def argmax(self) -> tuple[int, ...]:
        """Return the likeliest options."""


class SoftmaxController:
    """A softmax per decision, each on its own.

    Args:
        options: number of options of each decision.
        learning_rate: of Adam.
        entropy_weight: of the entropy in what is maximised.
    """

    def __init__(self, options: tuple[int, ...], learning_rate: float, entropy_weight: float) -> None:
        self.learning_rate, self.entropy_weight = learning_rate, entropy_weight
        places = np.arange(max(options))
        sizes = np.array(options)[:, None]
        self.logs: Floats = np.where(places < sizes, 0.0, ABSENT)  # of the shares, which serve as logits
        # The last option of a decision takes what rounding leaves between the sum of all shares and 1.
        self._last = np.where(places < sizes - 1, 0.0, np.inf)
        self._rows = np.arange(len(options))
        self._mean, self._square = np.zeros((2, *self.logs.shape))
        self._steps = 0
        self._refresh()

    def draw(self, uniforms: Floats) -> tuple[int, ...]:
        return tuple(np.add.reduce(self._cumulative <= uniforms[:, None], 1).tolist())

    def learn(self, decisions: tuple[int, ...], advantage: float) -> None:
        shares = self.shares
        # d/dz of advantage * log p(arch) + weight * H, with dH/dz = -p (log p + H).
        chosen = np.zeros_like(shares)
        chosen[self._rows, list(decisions)] = 1.0
        gradient = (chosen - shares) * advantage
        if self.entropy_weight:
            weighted = shares * self.logs
            gradient -= self.entropy_weight * (weighted - shares * np.add.reduce(weighted, 1, keepdims=True))
        self._steps += 1
        first, second = BETAS
        self._mean += (1 - first) * (gradient - self._mean)
        self._square += (1 - second) * (gradient * gradient - self._square)
        rate = self.learning_rate * math.sqrt(1 - second**self._steps) / (1 - first**self._steps)
        self.logs += rate * self._mean / (np.sqrt(self._square) + TINY)
        self._refresh()

    def _refresh(self) -> None:
        # The last bits of np.exp and np.log on floats move with a processor's vector instructions; on complex numbers
        # numpy asks the C library, as math does.
        powers = np.exp(self.logs.astype(np.complex128)).real
        sums = np.add.reduce(powers, 1, keepdims=True)
        self.shares: Floats = powers / sums
        self.logs -= np.array([*map(math.log, sums.ravel().tolist())])[:, None]
        self._cumulative = self.shares.cumsum(1) + self._last

    def entropy(self) -> float:
        return -float((self.shares * self.logs).sum())

    def argmax(self) -> tuple[int, ...]:
        return tuple(self.shares.argmax(1).tolist())


class Advantages:
    """Turn values of one kind, in any unit, into advantages: a linear map to [-1, 1], less a moving average.

    The ends of the map are the least and the greatest finite value so far; while these are one, it gives 0. NaN gives
    -1, the lowest reward, and moves neither end; so do infinities, by their sign. The first advantage is 0.

    Args:
        decay: of the moving average; the nearer to 1, the slower.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.low, self.high = math.inf, -math.inf
        self.baseline: float | None = None

    def __call__(self, value: float) -> float:
        reward = self._reward(value)
        if self.baseline is None:
            self.baseline = reward
        advantage = reward - self.baseline
        self.baseline += (1 - self.decay) * advantage
        return advantage

    def _reward(self, value: float) -> float:
        if not math.isfinite(value):
            return 1.0 if value == math.inf else -1.0
        self.low, self.high = min(self.low, value), max(self.high, value)
        half = self.high / 2 - self.low / 2  # halves first: the width may overflow where its ends do not
        return 0.0 if half == 0 else (value / 2 - self.low / 2) / half * 2 - 1


class Reinforce(Strategy):
    """Draw from a controller, and reward what it drew by validation accuracy (REINFORCE).

        strategy = Reinforce(space, rng)
        strategy.warm_up(scorer, 3000, rng_for_warm_up)   # optional
        arch = strategy.ask()
        strategy.tell(arch, valid)

    The gradient is that of advantage * log p(arch) + entropy_weight * H(p), one architecture at a time, and Adam
    follows it. The advantage is the reward less its moving average. Rewards are accuracies mapped linearly to
    [-1, 1] with the least and the greatest so far, so that units do not matter; scores are mapped likewise, with ends
    and an average of their own. A score or accuracy that is NaN is rewarded with -1, the lowest.

    Decisions that mean no architecture, as one in four uniform draws in NAS-Bench-101, are rewarded with -1 and drawn
    again. Without that a controller that a proxy draws to many edges would soon draw too many of them. What is
    learned of are the decisions, of which several may mean one architecture.

    Warm-up (arXiv 2101.08134, section 5.1): N scores reward the controller's own draws. The search goes on from the
    controller, nothing is queued, and N may exceed the size of the space. A long warm-up over-trains where the
    entropy bonus is small: the policy narrows to the proxy's favourite, accuracies then have nothing to choose from,
    and the search repeats one architecture. The report shows it, as an entropy near 0 before the first model.

    Moves:
        reward: before each architecture that is trained, `move_ratio` draws are rewarded by their scores
            (section 5.2).

    The settings of that paper were not published. The defaults are ours, chosen by experiments/papers/settings_rl.py.

    Args:
        learning_rate: of Adam, about how far a step moves a logit; 0 is random search.
        entropy_weight: of the entropy bonus; more explores longer.
        baseline_decay: of the moving average that rewards are compared with.
        controller: softmax, independent for each decision; or lstm, in which a decision sees those before it (Zoph
            and Le, 2017; needs torch, some hundred times slower).

    Raises:
        UnknownName: no such controller.
        InvalidSetting: a number out of range, or a space that is not made of options.
    """

    name: ClassVar[str] = "rl"
    revision: ClassVar[int] = 2
    guidance = Guidance(
        moves=("reward",), ratio=10, alone=("warmup", "reward"), uniform_warm_up=False, ranked_warm_up=False
    )

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        learning_rate: float = 0.05,
        entropy_weight: float = 0.1,
        baseline_decay: float = 0.9,
        controller: str = "softmax",
        **guidance: Any,
    ) -> None:
        super().__init__(space, rng, **guidance)
        if space.options is None:
            raise InvalidSetting(
                f"{self.name} decides option by option, and the architectures of {space.name} are not made of options: "
                "use ae or rand"
            )
        self._decisions = len(space.options)
        self._taken: dict[Arch, tuple[int, ...]] = {}
        rate = number("learning_rate", learning_rate)
        weight = number("entropy_weight", entropy_weight)
        decay = number("baseline_decay", baseline_decay, most=1)
        self.controller = self._make(controller, space.options, rate, weight)
        self._accuracies, self._scores = Advantages(decay), Advantages(decay)
        self._told = 0
        self._next_row = 1
        self._warm_up_course: dict[str, list[Any]] = {}
        self._course: dict[str, list[Any]] = {}

    def _make(self, name: str, options: tuple[int, ...], rate: float, weight: float) -> Controller:
        if name == "softmax":
            return SoftmaxController(options, rate, weight)
        if name == "lstm":
            from nassearch.strategies.rl.controller import LSTMController

            return LSTMController(options, rate, weight, seed=int(self.rng.integers(2**63)))
        raise UnknownName("controller", name, ("softmax", "lstm"))

    def warm_up(self, scorer: Scorer, n: int, rng: np.random.Generator) -> list[Arch]:
        """Reward n of the controller's own draws by their scores; return them in the order drawn.

        Raises:
            InvalidSetting: n below 1, or no draw has a score.
        """
        self.check_warm_up(n, self.space)
        drawn: list[Arch] = []
        scores: list[float] = []
        self._record(self._warm_up_course, scored=0, distinct=0)
        for row in range(1, ROWS + 1):
            found, values = self._reward(scorer, n * row // ROWS - len(drawn), rng)
            drawn += found
            scores += values
            self._record(self._warm_up_course, scored=len(drawn), distinct=len(set(drawn)))
        scored(np.array(scores))
        return drawn

    def _reward(self, scorer: Scorer, n: int, rng: np.random.Generator) -> tuple[list[Arch], list[float]]:
        drawn, scores = [], []
        for uniforms in rng.random((n, self._decisions)):
            decisions, arch = self._draw(uniforms, rng, self._scores)
            drawn.append(arch)
            scores.append(float(scorer(drawn[-1:])[0]))
            self.controller.learn(decisions, self._scores(scores[-1]))
        return drawn, scores

    def _draw(
        self, uniforms: Floats, rng: np.random.Generator, rewards: Advantages
    ) -> tuple[tuple[int, ...], Arch]:
        """Return decisions that mean an architecture, and it; what means none is punished and drawn again."""
        for _ in range(REDRAWS):
            decisions = self.controller.draw(uniforms)
            arch = self.space.decide(decisions)
            if arch is not None:
                return decisions, arch
            self.controller.learn(decisions, rewards(math.nan))
            uniforms = rng.random(self._decisions)
        arch = self.space.sample(rng)
        return arch, arch

    def ask(self) -> Arch:
        if not self._course:
            self._record(self._course, models=0)
        if self.move is not None:
            assert self.move_ratio is not None
            self._reward(self.move, self.move_ratio, self.rng)
        uniforms = self.rng.random(self._decisions)
        decisions, arch = self._draw(uniforms, self.rng, self._accuracies)
        self._taken[arch] = decisions
        return arch

    def tell(self, arch: Arch, valid: float) -> None:
        self.controller.learn(self._taken.get(arch, arch), self._accuracies(valid))
        self._told += 1
        if self._told == self._next_row:
            self._record(self._course, models=self._told)
            self._next_row = self._told * (5 if str(self._told)[0] == "2" else 4) // 2  # 1, 2, 5, 10, ...

    def _record(self, course: dict[str, list[Any]], **row: int) -> None:
        likeliest = self.space.decide(self.controller.argmax())
        named = "no architecture" if likeliest is None else self.space.format(likeliest)
        policy = {"entropy": self.controller.entropy(), "argmax": named}
        for column, value in {**row, **policy}.items():
            course.setdefault(column, []).append(value)

    def report(self) -> dict[str, Any]:
        """Return the policy's entropy (nats, over all decisions) and likeliest architecture as they went.

        Tables `warm_up` by scores and `search` by models trained: 0, 1, 2, 5, 10, 20 and so on, then the end. An
        entropy near 0 says that the controller repeats itself: after a long warm-up, that it knows the proxy's
        favourite and leaves accuracy little to decide. `distinct` counts different architectures among those scored.
        """
        if not self._course or self._course["models"][-1] != self._told:
            self._record(self._course, models=self._told)
        courses = {"warm_up": self._warm_up_course, "search": self._course}
        return {name: course for name, course in courses.items() if course}
