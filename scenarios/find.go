package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

// UnknownError is the name of a scenario that there is not.
type UnknownError struct {
	Name    string
	Closest string // the name that may have been meant, or empty
}

// Error says what may have been meant, on one line.
func (e *UnknownError) Error() string {
	if e.Closest == "" {
		return fmt.Sprintf("no scenario %q (crosslan list shows them all)", e.Name)
	}
	return fmt.Sprintf("no scenario %q: did you mean %s? (crosslan list shows them all)", e.Name, e.Closest)
}

// Find returns the scenario of that name, or an [UnknownError].
func Find(all []Scenario, name string) (Scenario, error) {
	i := slices.IndexFunc(all, func(s Scenario) bool { return s.Name == name })
	if i < 0 {
		return Scenario{}, &UnknownError{Name: name, Closest: closest(all, name)}
	}
	return all[i], nil
}

// IsFile reports whether what the user gave as a scenario is the path of a
// Compose file.
func IsFile(name string) bool {
	return strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".yml") || strings.HasSuffix(name, ".yaml")
}

// closest is the scenario that name begins or has in it, or else the one with
// the fewest differences, if these are no more than a third of its letters.
func closest(all []Scenario, name string) string {
	name = strings.ToLower(name)
	best, fewest := "", 0
	for _, s := range all {
		if len(name) > 2 && strings.Contains(s.Name, name) {
			return s.Name
		}
		d := distance(name, s.Name)
		if 3*d <= len(s.Name)+1 && (best == "" || d < fewest) {
			best, fewest = s.Name, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to make one word of the other (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[i][j] = min(replace, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
