"""`make bench`: prints each figure with its goal; exits 0 whatever they are, because machines differ."""

from bench import arrivals, command_line, memory, plans, reverts, sandboxes, stores

ROWS = (
    arrivals.dispersions,
    command_line.help_time,
    sandboxes.start,
    plans.thousand_pods,
    memory.of_a_run,
    memory.with_a_server,
    reverts.of_changes,
    reverts.of_proxies,
    stores.appends,
    stores.appends_on_a_server,
)


def main():
    print(f"{'what':<58} {'measured':>14}   goal")
    for measure in ROWS:
        for what, value, goal in measure():
            print(f"{what:<58} {value:>14}   {goal}", flush=True)


if __name__ == "__main__":
    main()
