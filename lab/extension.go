package lab

import (
	"fmt"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// extensionKey carries what Compose has no word for.
const extensionKey = "x-crosslan"

// An extension is the content of x-crosslan, at the top of a file (Number,
// Lesson) or in a service (Story, Ready).
type extension struct {
	Number int
	Lesson string
	// Story marks the service that tells the scenario's story in the log of
	// docker compose up; a lab leaves it out, since a lesson is played there.
	Story bool
	// Ready is a text whose appearance in the node's log means that it is
	// ready; for images that are not ours and have no healthcheck.
	Ready string
	// NAT is the kind that a router declares, to be proven at the start.
	NAT *declaration
}

// parseExtension reads x-crosslan strictly: a misspelt key is an error.
func parseExtension(all types.Extensions, known ...string) (extension, error) {
	var e extension
	raw, ok := all[extensionKey]
	if !ok {
		return e, nil
	}
	m, ok := raw.(map[string]any)
	if !ok {
		return e, fmt.Errorf("%s must be a mapping", extensionKey)
	}
	for key, value := range m {
		if !slices.Contains(known, key) {
			return e, fmt.Errorf("%s does not know the key %q; it knows %s", extensionKey, key, strings.Join(known, ", "))
		}
		var fits bool
		switch key {
		case "number":
			e.Number, fits = value.(int)
		case "lesson":
			e.Lesson, fits = value.(string)
		case "story":
			e.Story, fits = value.(bool)
		case "ready":
			e.Ready, fits = value.(string)
		case "nat":
			var err error
			if e.NAT, err = parseDeclaration(value); err != nil {
				return e, err
			}
			fits = true
		}
		if !fits {
			return e, fmt.Errorf("%s: %s has a value of the wrong type: %v", extensionKey, key, value)
		}
	}
	return e, nil
}
