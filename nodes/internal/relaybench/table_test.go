package relaybench

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// samples are the figures of each round, by way.
type samples struct {
	rounds map[string][][]float64
}

func newSamples(ways []*way) *samples {
	return &samples{rounds: map[string][][]float64{}}
}

func (s *samples) add(w *way, figures []float64) {
	s.rounds[w.name] = append(s.rounds[w.name], figures)
}

// median is that of the figure number i of a way.
func (s *samples) median(name string, i int) float64 {
	var v []float64
	for _, figures := range s.rounds[name] {
		v = append(v, figures[i])
	}
	if len(v) == 0 {
		return 0
	}
	slices.SortFunc(v, cmp.Compare)
	if len(v)%2 == 1 {
		return v[len(v)/2]
	}
	return (v[len(v)/2-1] + v[len(v)/2]) / 2
}

// share is a way's median to that of another.
func (s *samples) share(name, of string, i int) float64 {
	return s.median(name, i) / s.median(of, i)
}

func row(cells ...string) { fmt.Println("| " + strings.Join(cells, " | ") + " |") }

func header(cells ...string) {
	fmt.Println()
	row(cells...)
	fmt.Println("|" + strings.Repeat("---|", len(cells)))
}

func printThroughput(ways []*way, congestion string, connections []int, tables []*samples) {
	fmt.Printf("\n### Throughput, %s\n", congestion)
	cells := []string{"way"}
	for _, n := range connections {
		cells = append(cells, fmt.Sprintf("%d: Gb/s", n), "to direct", "to HAProxy", "s/GB")
	}
	header(cells...)
	for _, w := range ways {
		cells := []string{w.name}
		for _, s := range tables {
			cells = append(cells, fmt.Sprintf("%.1f", s.median(w.name, 0)), fmt.Sprintf("%.2f", s.share(w.name, "direct", 0)),
				fmt.Sprintf("%.2f", s.share(w.name, "HAProxy", 0)), fmt.Sprintf("%.3f", s.median(w.name, 1)))
		}
		row(cells...)
	}
}

func printConnections(ways []*way, s *samples) {
	fmt.Printf("\n### Connections and round trips\n")
	header("way", "connections/s", "µs of processor for each", "round trip, median µs", "99th percentile", "added")
	for _, w := range ways {
		row(w.name, fmt.Sprintf("%.0f", s.median(w.name, 0)), fmt.Sprintf("%.0f", s.median(w.name, 1)), fmt.Sprintf("%.1f", s.median(w.name, 2)),
			fmt.Sprintf("%.1f", s.median(w.name, 3)), fmt.Sprintf("%.1f", s.median(w.name, 3)-s.median("direct", 3)))
	}
}

func printMemory(ways []*way, s *samples) {
	fmt.Printf("\n### Memory\n")
	header("way", "idle connections", "kB for each")
	for _, w := range ways {
		if len(s.rounds[w.name]) > 0 {
			row(w.name, fmt.Sprintf("%.0f", s.median(w.name, 1)), fmt.Sprintf("%.1f", s.median(w.name, 0)))
		}
	}
}

func printDatagrams(ways []*way, tables []*samples) {
	fmt.Printf("\n### Datagrams\n")
	cells := []string{"way"}
	for _, f := range floods {
		cells = append(cells, fmt.Sprintf("%d bytes, %s: thousands/s", f.size, f.how), "to coturn", "s/million")
	}
	header(cells...)
	for _, w := range ways {
		cells := []string{w.name}
		for _, s := range tables {
			cells = append(cells, fmt.Sprintf("%.0f", s.median(w.name, 0)), fmt.Sprintf("%.2f", s.share(w.name, "coturn", 0)), fmt.Sprintf("%.2f", s.median(w.name, 1)))
		}
		row(cells...)
	}
}
