"""The command `tubetwin scenarios`."""


def scenarios() -> None:
    """List the built-in scenarios, one line each.

    Example: `tubetwin scenarios`
    """
    from twin.scenarios.scenario import builtin_scenarios, load_scenario

    names = builtin_scenarios()
    for name in names:
        print(f"{name:{max(map(len, names))}}  {load_scenario(name).title}")
