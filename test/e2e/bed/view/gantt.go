package view

import (
	"encoding/xml"
	"fmt"
	"math"
	"strings"
)

// The chart's measures, in pixels. GitHub shows a picture in a README about 850
// pixels wide, so the text stays legible at 0.9 of its size.
const (
	chartWidth  = 960
	labelWidth  = 300
	rightMargin = 70
	headHeight  = 96
	rowHeight   = 17
	barHeight   = 11
	partHeight  = 26
	footHeight  = 44
)

// chartStyle draws on a ground of its own: a viewer's theme and the colour
// scheme of the browser may differ, and then only a ground keeps text legible.
const chartStyle = `
text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:11px;fill:#1f2328}
.ground{fill:#ffffff;stroke:#d1d9e0}
.title{font-size:16px;font-weight:bold}
.small{font-size:11px;fill:#59636e}
.part{font-size:12px;font-weight:bold}
.band{fill:#f6f8fa}
.grid{stroke:#d1d9e0;stroke-width:1}
.bar{fill:#6e9bd1}
.critical{fill:#d9480f}
.link{fill:none;stroke:#d9480f;stroke-width:1.2}
.hot{fill:#c2410c;font-weight:bold}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}
.ground{fill:#0d1117;stroke:#3d444d}
.small{fill:#9198a1}
.band{fill:#161b22}
.grid{stroke:#2a313c}
.bar{fill:#4a7ab5}
.critical{fill:#f0883e}
.link{stroke:#f0883e}
.hot{fill:#f0883e}
}
`

// Gantt draws when each resource of a studio was made, with the critical path,
// as an SVG document.
func Gantt(s Snapshot) string {
	c := newChart(s)
	c.head()
	y := float64(headHeight)
	for _, p := range s.Parts {
		if len(p.Resources) == 0 {
			continue
		}
		y = c.part(p, y)
	}
	c.links()
	c.axis()
	return c.document()
}

type chart struct {
	s      Snapshot
	height float64
	end    float64 // minutes at the right edge
	step   float64 // minutes between grid lines
	path   []Step
	onPath map[ID]bool
	row    map[ID]float64
	body   strings.Builder
	over   strings.Builder // drawn above the bars
	under  strings.Builder // drawn below them
}

func newChart(s Snapshot) *chart {
	c := &chart{s: s, path: CriticalPath(s), onPath: map[ID]bool{}, row: map[ID]float64{}, height: headHeight + footHeight}
	last := 1.0
	for _, p := range s.Parts {
		if len(p.Resources) > 0 {
			c.height += partHeight + float64(rowHeight*len(p.Resources))
		}
		for _, r := range p.Resources {
			last = max(last, s.Minutes(c.until(r)))
		}
	}
	for _, step := range c.path {
		c.onPath[step.ID] = true
	}
	c.step = gridStep(last)
	c.end = math.Ceil(last/c.step*1.0001) * c.step
	return c
}

// gridStep gives between five and twelve grid lines, at round minutes.
func gridStep(minutes float64) float64 {
	for _, step := range []float64{0.5, 1, 2, 5, 10, 15, 30} {
		if minutes/step <= 12 {
			return step
		}
	}
	return 60
}

// until is where a bar ends: a resource that is not active is still at it.
func (c *chart) until(r Resource) float64 {
	if r.Active > 0 {
		return max(r.Active, r.Created)
	}
	return max(c.s.Now, r.Created)
}

func (c *chart) x(simulated float64) float64 {
	minutes := max(0, c.s.Minutes(simulated))
	return labelWidth + minutes/c.end*(chartWidth-labelWidth-rightMargin)
}

func (c *chart) head() {
	title := "What was made when: studio " + c.s.Namespace + "/" + c.s.Name
	if c.s.Region != "" {
		title += " in " + c.s.Region
	}
	fmt.Fprintf(&c.body, `<text class="title" x="20" y="32">%s</text>`+"\n", escape(title))
	state := "not Ready"
	if c.s.Ready {
		state = "Ready"
	}
	sub := fmt.Sprintf("%d resources, %s after %.1f simulated minutes", len(c.s.Resources()), state, c.s.Elapsed())
	fmt.Fprintf(&c.body, `<text class="small" x="20" y="52">%s</text>`+"\n", escape(sub))
	x := 20
	for _, item := range []struct{ class, text string }{
		{"bar", "from created to active in AWS"},
		{"critical", "critical path: each let the next be created"},
	} {
		fmt.Fprintf(&c.body, `<rect class="%s" x="%d" y="64" width="22" height="%d" rx="2"/>`+"\n", item.class, x, barHeight)
		fmt.Fprintf(&c.body, `<text class="small" x="%d" y="73">%s</text>`+"\n", x+30, item.text)
		x += 30 + 7*len(item.text) + 24
	}
}

// part draws a part's rows from y on and returns where the next part begins.
func (c *chart) part(p Part, y float64) float64 {
	height := partHeight + float64(rowHeight*len(p.Resources))
	fmt.Fprintf(&c.under, `<rect class="band" x="12" y="%s" width="%d" height="%d" rx="3"/>`+"\n", px(y+3), chartWidth-24, partHeight-8)
	from, to := p.Span(c.s.Now)
	fmt.Fprintf(&c.body, `<text class="part" x="20" y="%s">%s</text>`+"\n", px(y+16), escape(p.Name))
	fmt.Fprintf(&c.body, `<text class="small" x="%d" y="%s">%s</text>`+"\n", 110, px(y+16),
		fmt.Sprintf("%d resources, %.1f – %.1f min", len(p.Resources), c.s.Minutes(from), c.s.Minutes(to)))
	for i, r := range p.Resources {
		c.bar(r, y+partHeight+float64(i*rowHeight))
	}
	return y + height
}

func (c *chart) bar(r Resource, y float64) {
	c.row[r.ID] = y + barHeight/2 + 1
	class, label, least := "bar", "", 2.0
	if c.onPath[r.ID] {
		class, label, least = "critical", "hot", 4
	}
	from, to := c.x(r.Created), c.x(c.until(r))
	fmt.Fprintf(&c.body, `<text class="%s" x="28" y="%s">%s</text>`+"\n", label, px(y+barHeight-1), escape(cut(r.Label(), 38)))
	what := fmt.Sprintf("%s %s: %.1f – %.1f min", r.Kind, r.Name, c.s.Minutes(r.Created), c.s.Minutes(c.until(r)))
	fmt.Fprintf(&c.body, `<rect class="%s" x="%s" y="%s" width="%s" height="%d" rx="2"><title>%s</title></rect>`+"\n",
		class, px(from), px(y+1), px(max(least, to-from)), barHeight, escape(what))
	if r.Adopted {
		fmt.Fprintf(&c.over, `<text class="small" x="%s" y="%s">adopted</text>`+"\n", px(from+7), px(y+barHeight-1))
		return
	}
	if minutes := (c.until(r) - r.Created) / 60; minutes >= c.end/100 || c.onPath[r.ID] {
		class := "small"
		if c.onPath[r.ID] {
			class = "hot"
		}
		fmt.Fprintf(&c.over, `<text class="%s" x="%s" y="%s">%.1f</text>`+"\n", class, px(max(from+2, to)+5), px(y+barHeight-1), minutes)
	}
}

// links joins the bars of the critical path: from the end of one to the start of
// the next.
func (c *chart) links() {
	for i := 1; i < len(c.path); i++ {
		a, b := c.path[i-1], c.path[i]
		x1, y1, x2, y2 := c.x(c.until(a.Resource)), c.row[a.ID], c.x(b.Created), c.row[b.ID]
		fmt.Fprintf(&c.over, `<path class="link" d="M%s %sV%sH%s"/>`+"\n", px(x1), px(y1), px(y2), px(max(x1, x2)))
	}
}

func (c *chart) axis() {
	top, bottom := float64(headHeight-6), c.height-footHeight+4
	for m := 0.0; m <= c.end+c.step/2; m += c.step {
		x := px(labelWidth + m/c.end*(chartWidth-labelWidth-rightMargin))
		fmt.Fprintf(&c.under, `<path class="grid" d="M%s %sV%s"/>`+"\n", x, px(top), px(bottom))
		for _, y := range []float64{top - 3, bottom + 14} {
			fmt.Fprintf(&c.body, `<text class="small" text-anchor="middle" x="%s" y="%s">%g</text>`+"\n", x, px(y), m)
		}
	}
	fmt.Fprintf(&c.body, `<text class="small" text-anchor="middle" x="%d" y="%s">simulated minutes since the claim was applied</text>`+"\n",
		(labelWidth+chartWidth-rightMargin)/2, px(bottom+30))
}

func (c *chart) document() string {
	size := fmt.Sprintf(`width="%d" height="%s" viewBox="0 0 %d %s"`, chartWidth, px(c.height), chartWidth, px(c.height))
	return `<svg xmlns="http://www.w3.org/2000/svg" ` + size + ` role="img" aria-label="Gantt chart of a studio's resources">` + "\n" +
		"<style>" + chartStyle + "</style>\n" +
		fmt.Sprintf(`<rect class="ground" x="0.5" y="0.5" width="%d" height="%s" rx="6"/>`+"\n", chartWidth-1, px(c.height-1)) +
		c.under.String() + c.body.String() + c.over.String() + "</svg>\n"
}

// px prints a coordinate with one decimal at most, so that equal input gives
// equal bytes on every machine.
func px(v float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // A strings.Builder does not fail.
	return b.String()
}
