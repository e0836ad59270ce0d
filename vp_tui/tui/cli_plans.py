"""The commands about precision plans: search for one, list, show and save them."""

from typing import Annotated

import typer

from vp_tui.core.errors import UsageError
from vp_tui.core.runs.search.records import DEFAULT_BUDGET
from vp_tui.tui.cli_app import AsJson, Group, Run, app, home, store

plan = typer.Typer(cls=Group, help="List, show and save precision plans.", no_args_is_help=True)
app.add_typer(plan, name="plan")

PlanName = Annotated[str, typer.Argument(metavar="PLAN", help="Name of a stored plan, or a plan file.")]


@app.command(epilog="Example: vp-tui search last")
def search(
    run: Run,
    budget: Annotated[
        int, typer.Option("--budget", min=1, metavar="N", help="Maximum number of trials.")
    ] = DEFAULT_BUDGET,
    faster: Annotated[
        bool, typer.Option("--faster", help="Of a run that passed: find a faster plan that still passes.")
    ] = False,
    pin: Annotated[
        list[str] | None, typer.Option("--pin", metavar="UNIT", help="Unit to keep in any case. Repeatable.")
    ] = None,
    forbid: Annotated[
        list[str] | None, typer.Option("--forbid", metavar="UNIT", help="Unit never to keep. Repeatable.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Find the operations that a failed run must keep in FP32.

    Tries sets of units on up to 128 of the run's sequences, confirms the result on others, and stores it as a precision
    plan. A search that was interrupted continues.

    Exit codes: 0 a confirmed plan; 4 no plan passes, or not a precision fault; 6 nothing confirmed.
    """
    from vp_tui.tui.commands.plans import search_run

    code = search_run(store(), run, budget=budget, faster=faster, pin=pin or [], forbid=forbid or [], as_json=json)
    raise typer.Exit(code)


@plan.command("list", epilog="Example: vp-tui plan list")
def plan_list(json: AsJson = False) -> None:
    """List the stored plans."""
    from vp_tui.tui.commands.plans import print_plans

    print_plans(home(), as_json=json)


@plan.command("show", epilog="Example: vp-tui plan show run-7 --json > plan.json")
def plan_show(name: PlanName, json: AsJson = False) -> None:
    """Show a plan; with --json as a plan file."""
    from vp_tui.tui.commands.plans import print_plan

    print_plan(home(), name, as_json=json)


@plan.command(
    "save", epilog="Example: vp-tui plan save careful --keep 'layers.*.residual' --keep final_norm -m esm2-3b"
)
def plan_save(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the plan.")],
    file: Annotated[str, typer.Option("--file", metavar="FILE", help="Plan file to store.")] = "",
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", metavar="UNIT", help="Unit to keep; * stands for any text. Repeatable, or with commas."),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="MODEL", help="Model that has the units; a local checkpoint.")
    ] = "",
    base: Annotated[str, typer.Option("--base", metavar="PRECISION", help="Format of the other units.")] = "fp16",
    keep_in: Annotated[str, typer.Option("--in", metavar="PRECISION", help="Format of the kept units.")] = "fp32",
) -> None:
    """Store a plan file, or a plan made of a list of units."""
    from vp_tui.tui.commands.plans import import_plan, make_plan

    if bool(file) == bool(keep):
        raise UsageError("give either --file FILE or --keep UNIT with --model MODEL")
    if file:
        import_plan(home(), name, file)
    else:
        make_plan(home(), name, keep or [], model=model, base=base, keep_in=keep_in)
