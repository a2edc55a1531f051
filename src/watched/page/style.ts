/** One style sheet for all pages. Colours come in pairs with a contrast of at least 4.5, in light and dark. */
export const style = `
:root {
  color-scheme: light dark;
  --bg: #f6f5f1; --card: #fffefb; --text: #1d211f; --soft: #59605c; --rule: #e3e1d9;
  --safe: #14683c; --safe-bg: #dff1e5; --unsafe: #a51d14; --unsafe-bg: #fbe3df; --unknown: #7a4d00; --unknown-bg: #faecc9;
  --accent: #2f6f8f; --accent-soft: #d5e6ee; --code: #efede6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #131614; --card: #1b1f1d; --text: #e7eae6; --soft: #a3aca6; --rule: #2c322f;
    --safe: #7fd6a2; --safe-bg: #143524; --unsafe: #ff9d92; --unsafe-bg: #45191a; --unknown: #f0c25e; --unknown-bg: #3a2c0c;
    --accent: #7cc0de; --accent-soft: #1d3a47; --code: #252a27;
  }
}
* { box-sizing: border-box; margin: 0 }
html { -webkit-text-size-adjust: 100% }
body { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", sans-serif; color: var(--text); background: var(--bg) }
.inner { max-width: 68rem; margin: 0 auto; padding: 0 clamp(1rem, 4vw, 2rem) }
.safe { --tone: var(--safe); --tone-bg: var(--safe-bg) }
.unsafe, .problem { --tone: var(--unsafe); --tone-bg: var(--unsafe-bg) }
.unknown { --tone: var(--unknown); --tone-bg: var(--unknown-bg) }
.warning, .plain { --tone: var(--soft); --tone-bg: var(--rule) }
header { background: var(--tone-bg); color: var(--tone); padding: 1.1rem 0 1.6rem; margin-bottom: 1.6rem }
.brand { font-size: .875rem; font-weight: 600; letter-spacing: .02em; margin-bottom: 1.4rem }
.headline { display: flex; gap: clamp(.8rem, 3vw, 1.4rem); align-items: center }
.headline .icon { width: clamp(3rem, 12vw, 4.6rem); height: clamp(3rem, 12vw, 4.6rem); flex: none }
h1 { font-size: clamp(2.2rem, 8vw, 3.4rem); line-height: 1.05; letter-spacing: -.02em; font-weight: 680 }
.lead { font-size: clamp(1rem, 3.4vw, 1.2rem); margin-top: .35rem; max-width: 46rem; overflow-wrap: anywhere }
.meta { display: flex; flex-wrap: wrap; gap: .2rem 1.6rem; font-size: .875rem; margin-top: 1.3rem }
.meta > span { overflow-wrap: anywhere }
.mono, code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .9em }
.icon { fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; width: 1.25em; height: 1.25em; vertical-align: -.25em }
h2 { font-size: .9375rem; font-weight: 620; overflow-wrap: anywhere }
.action { margin-bottom: 1.6rem }
.action h2 { font-size: 1.25rem; margin-bottom: .7rem }
.action ol { list-style: none; padding: 0; display: grid; grid-template-columns: minmax(0, 1fr); gap: .8rem }
.action li { background: var(--card); border: 1px solid var(--rule); border-left: 4px solid var(--tone); border-radius: .5rem; padding: 1rem 1.2rem }
.action h3 { font-size: 1rem; font-weight: 600; overflow-wrap: anywhere }
.level { color: var(--tone); margin-right: .3em }
.action p { margin-top: .4rem; overflow-wrap: anywhere }
.code { color: var(--soft); font-size: .8125rem }
pre { background: var(--code); border-radius: .375rem; padding: .6rem .8rem; margin-top: .6rem; white-space: pre-wrap; overflow-wrap: anywhere }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr)); gap: 1rem }
.cards.pairs { grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)) }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: .75rem; padding: 1.1rem 1.3rem; min-width: 0 }
.card p { overflow-wrap: anywhere }
.wide { grid-column: 1 / -1 }
.state { color: var(--tone); font-weight: 600; margin-top: .35rem }
dl { margin-top: .8rem; display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .3rem 1rem }
dl > div { display: contents }
dt { color: var(--soft) }
dl + .state { margin-top: 1rem }
dd { overflow-wrap: anywhere }
.card, .lately { font-size: .9375rem }
.where { color: var(--soft); font-size: .8125rem; overflow-wrap: anywhere }
.bad { color: var(--unsafe) }
.empty { color: var(--soft); margin-top: .5rem }
ul.plain { list-style: none; padding: 0; margin-top: .5rem; display: grid; gap: .6rem }
figure { margin-top: .8rem }
.plot { position: relative }
.high, .plot > .limit { position: absolute; left: 0; font-size: .75rem; color: var(--soft) }
.high { top: -.9rem }
.plot > .limit { top: -.9rem; right: 0; left: auto }
svg.chart { display: block; width: 100%; height: 7.5rem; overflow: visible }
svg.ribbon { display: block; width: 100%; height: .5rem; margin-top: .35rem; border-radius: .25rem }
.chart path { vector-effect: non-scaling-stroke; fill: none; stroke-linecap: round }
.chart .area { fill: var(--accent-soft) }
.line { stroke: var(--accent); stroke-width: 2; stroke-linejoin: round }
.dots { stroke: var(--accent); stroke-width: 6 }
.alarms { stroke: var(--unsafe); stroke-width: 2; stroke-dasharray: 2 4 }
.chart .limit { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 4 }
.bar { fill: var(--accent) }
.bar.slow { fill: var(--unsafe) }
.ribbon rect { fill: var(--tone) }
.axis { display: flex; justify-content: space-between; color: var(--soft); font-size: .75rem; margin-top: .3rem; min-height: 1em }
figcaption { color: var(--soft); font-size: .875rem; margin-top: .3rem }
.lately { list-style: none; padding: 0; margin-top: .5rem }
.lately li { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; padding: .45rem 0 .45rem 1.1rem; border-top: 1px solid var(--rule); position: relative }
.lately li:first-child { border-top: 0 }
.lately li::before { content: ""; position: absolute; left: 0; top: 1.05em; width: .5rem; height: .5rem; border-radius: 50%; background: var(--tone) }
.lately span { overflow-wrap: anywhere; min-width: 0 }
.lately time { color: var(--soft); white-space: nowrap; font-size: .8125rem }
footer.inner { color: var(--soft); font-size: .8125rem; padding-top: 1.6rem; padding-bottom: 2.4rem; display: grid; gap: .2rem }
a { color: var(--accent) }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px }
@media (forced-colors: active) { .ribbon rect, .lately li::before { forced-color-adjust: none } }
@media print { header { border-bottom: 1px solid } .card { break-inside: avoid } }
`;
