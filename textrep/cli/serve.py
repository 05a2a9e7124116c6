"""`textrep serve`: a saved model behind an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from textrep.cli.output import fail

if TYPE_CHECKING:
    from textrep.serving import ServedModel


def serve(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Folder that `textrep compare --save` made, or file of a classifier or embedder "
            "that textrep saved.",
        ),
    ],
    host: Annotated[
        str, typer.Option(help="Name or address to listen at; 0.0.0.0 is all of this machine.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="To listen at; 0 takes one that is free.")
    ] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, metavar="N", help="Processes, each with the model in its memory.")
    ] = 1,
    batch: Annotated[
        int, typer.Option(min=1, metavar="N", help="Texts to ask the model about at once at most.")
    ] = 64,
    max_texts: Annotated[
        int, typer.Option(min=1, metavar="N", help="Texts that one request may hold.")
    ] = 1000,
    max_characters: Annotated[
        int, typer.Option(min=1, metavar="N", help="Characters that one text may have.")
    ] = 1_000_000,
    max_wait: Annotated[
        float, typer.Option(metavar="SECONDS", help="In which a request must be answered.")
    ] = 30.0,
) -> None:
    """Answer requests about texts with a saved model, as JSON over HTTP.

    POST /predict takes {"text": "..."} or {"texts": ["...", "..."]}; /docs says what else there is.
    SIGTERM or Ctrl-C stops it when the requests in flight are answered.
    """
    from textrep.serving import ServerOptions, ServingError, run_server

    try:
        options = ServerOptions(host, port, workers, batch, max_texts, max_characters, max_wait)
        run_server(model, options, on_ready=_tell)
    except (ServingError, ModuleNotFoundError) as error:
        fail(error)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _tell(model: ServedModel, address: str) -> None:
    typer.echo(f"textrep: {model.name} is served at {address} (see {address}/docs)", err=True)
