import marimo

app = marimo.App(width="medium", app_title="Which tools may run in production on my kernel?")

with app.setup:
    import altair as alt
    import ebpf_overhead
    import marimo as mo
    import polars as pl
    from ebpf_overhead.tasks.reporting.charts import environments
    from ebpf_overhead.tasks.reporting.sections.common import reason
    from ebpf_overhead.tasks.reporting.summary import summary_markdown, summary_table
    from ebpf_overhead.tasks.reporting.texts import Texts
    from ebpf_overhead.tasks.reporting.view import View
    from ebpf_overhead.tasks.statistics.usage import Answer

    COLOURS = dict(
        zip(
            Answer,
            ("#009E73", "#2F94CF", "#B97F00", "#D55E00", "#CC79A7", "#8a949e", "#5c6670"),
            strict=True,
        )
    )


@app.cell
def options():
    root = mo.cli_args().get("datasets") or str(ebpf_overhead.PARQUET)
    lang = mo.cli_args().get("lang") or "en"
    return lang, root


@app.cell
def data(lang, root):
    t = Texts(lang)
    tables = ebpf_overhead.open(root)
    newest = tables.latest()
    title = {
        "en": "# Which tools may run in production on my kernel?",
        "zh": "# 在我的内核上，哪些工具可以用于生产？",
    }
    nothing = {
        "en": f"`{root}` holds no run yet. `ebpf-overhead run` or `ebpf-overhead ingest` fills it.",
        "zh": f"`{root}` 中还没有任何批次。先用 `ebpf-overhead run` 或 `ebpf-overhead ingest`。",
    }
    lead = {
        "en": f"The newest run of each of {newest.height} environments. Verdicts come from the "
        "datasets, rated as in the report: each cost at its upper 95 % bound.",
        "zh": f"共 {newest.height} 个环境，各取最近批次。结论取自数据集，规则与报告一致："
        "每项开销按区间上限归入相应档位。",
    }
    mo.stop(newest.is_empty(), mo.md(f"{title[lang]}\n\n{nothing[lang]}"))
    mo.md(f"{title[lang]}\n\n{lead[lang]}")
    return newest, t, tables


@app.cell
def kernels(newest, tables):
    # SQL where it is shorter: the kernel of the node on which each environment's tools ran.
    known = (
        tables.duckdb()
        .sql("""
            select distinct environment, run, tool_host as node,
                   facts -> tool_host ->> 'kernel' as kernel,
                   facts -> tool_host ->> 'arch' as arch,
                   facts -> tool_host -> 'cpu' ->> 'model' as cpu
            from runs join cells using (environment, run)
            where tool_host is not null
            order by environment
        """)
        .pl()
        .join(newest, on=["environment", "run"], how="semi")
    )
    known  # noqa: B018  (a cell shows its last line)
    return (known,)


@app.cell
def choice(known, lang):
    every = {"en": "every kernel", "zh": "所有内核"}[lang]
    kernel = mo.ui.dropdown([every, *known["kernel"].drop_nulls().unique().sort()], value=every)
    kernel  # noqa: B018
    return every, kernel


@app.cell
def answers(every, kernel, known, newest, t, tables):
    chosen = newest
    if kernel.value != every:
        chosen = newest.join(known.filter(kernel=kernel.value), on="environment", how="semi")
    view = View(tables.bundle(chosen), t)
    given = summary_table(view.bundle).filter(pl.col("answer").is_not_null())
    words = {str(answer): t(f"answer.{answer}") for answer in Answer}
    base = alt.Chart(given.with_columns(word=pl.col("answer").replace(words))).encode(
        x=alt.X("environment:N", title=None, axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("tool:N", title=None, axis=alt.Axis(labelLimit=300)),
    )
    colours = alt.Scale(domain=list(words.values()), range=list(COLOURS.values()))
    boxes = base.mark_rect(stroke="white", strokeWidth=2).encode(
        color=alt.Color("word:N", title=None, scale=colours)
    )
    picture = (boxes + base.mark_text(color="white").encode(text="word:N")).properties(width=560)
    picture.facet(row=alt.Row("layer:N", title=None)).resolve_scale(y="independent")
    return given, view


@app.cell
def reasons(t, view):
    pl.DataFrame(
        [
            {
                t("head.environment"): tool.environment,
                t("head.layer"): t(f"layer.{tool.layer}"),
                t("head.tool"): tool.tool,
                t("head.answer"): t(f"answer.{tool.usage.answer}"),
                t("head.verdict"): t(f"verdict.{tool.verdict}"),
                t("head.reason"): reason(view, tool.usage),
            }
            for tool in sorted(
                view.measured, key=lambda tool: list(Answer).index(tool.usage.answer)
            )
        ]
    )
    return


@app.cell
def costs(given, lang):
    mo.md(summary_markdown(given, lang))
    return


@app.cell
def intervals(view):
    charts = [chart] if (chart := environments(view)) else []
    mo.vstack([mo.md(f"**{chart.title}**\n\n{mo.Html(chart.svg)}") for chart in charts])
    return


if __name__ == "__main__":
    app.run()
