package service

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/pflag"

	"github.com/crosslan/crosslan/nodes/internal/addr"
)

// Spec is a service and where it listens.
type Spec struct {
	Name     string
	Handlers Handlers
	Addr     netip.AddrPort
}

// handlers makes the handlers of every service and registers their flags.
func (r *Registry) handlers(flags *pflag.FlagSet) map[string]Handlers {
	all := make(map[string]Handlers, len(r.services))
	for _, s := range r.services {
		all[s.Name] = s.New(flags)
	}
	return all
}

// parse reads the arguments SERVICE[=ADDR].
func (r *Registry) parse(args []string, handlers map[string]Handlers) ([]Spec, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("which service? Choose from: %s", r.Names())
	}
	specs := make([]Spec, 0, len(args))
	for _, arg := range args {
		name, at, given := strings.Cut(arg, "=")
		s, found := r.Lookup(name)
		if !found {
			return nil, fmt.Errorf("%q: no such service; choose from: %s", name, r.Names())
		}
		if given && at == "" {
			return nil, fmt.Errorf("%q: no address after =; write %s=:%d", arg, name, s.Port)
		}
		a, err := addr.Listen(at, s.Port)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		h := handlers[name]
		if h.Check != nil {
			if err := h.Check(); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		specs = append(specs, Spec{Name: name, Handlers: h, Addr: a})
	}
	return specs, nil
}
