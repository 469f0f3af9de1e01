package router

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/nat"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Translation is the NAT's or the firewall's state, as the kernel has it; at most
// one is there.
type Translation struct {
	NAT      *nat.State         `json:"nat,omitempty"`
	Firewall *nat.FirewallState `json:"firewall,omitempty"`
}

// readTranslation asks the kernel; without a NAT and a firewall both are nil.
func readTranslation() (t Translation, err error) {
	k, err := nat.Open()
	if err != nil {
		return t, err
	}
	defer k.Close()
	state, err := k.Show()
	if err == nil {
		return Translation{NAT: &state}, nil
	}
	if !errors.Is(err, nat.ErrNone) {
		return t, err
	}
	firewall, err := k.ShowFirewall()
	if errors.Is(err, nat.ErrNone) {
		return t, nil
	}
	return Translation{Firewall: &firewall}, err
}

func (t Translation) print(events *node.Events) {
	if t.NAT != nil {
		printNAT(events, t.NAT.Config)
		for _, m := range t.NAT.Mappings {
			events.Print("mapping", mappingText(m), slog.Any("mapping", m))
		}
	}
	if t.Firewall != nil {
		printFirewall(events, t.Firewall.Firewall)
		for _, o := range t.Firewall.Open {
			who := "for everybody"
			if o.Remote.IsValid() {
				who = "for " + o.Remote.String()
			}
			events.Print("open", fmt.Sprintf("%-4s %v %s, %s left", o.Protocol, o.Inside, who, left(o.Left)), slog.Any("opening", o))
		}
	}
}

// mappingText is a row of the table: inside, outside, what it depends on, how long
// it lives.
func mappingText(m nat.Entry) string {
	s := fmt.Sprintf("%-4s %v -> %v", m.Protocol, m.Inside, m.Outside)
	switch {
	case m.Remote.Port() != 0:
		s += fmt.Sprintf(" to %v", m.Remote)
	case m.Remote.Addr().IsValid():
		s += fmt.Sprintf(" to %v", m.Remote.Addr())
	}
	if m.Forward {
		return s + ", a forward"
	}
	return s + fmt.Sprintf(", %s left", left(m.Left))
}

func left(s nat.Seconds) string {
	return fmt.Sprintf("%.0f s", time.Duration(s).Seconds())
}

// showNATCommand shows the mapping table alone.
func showNATCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "nat",
		Short: "Show the NAT's kind and its mappings",
		Args:  cobra.NoArgs,
	}
	asJSON := cmd.Flags().Bool("json", false, "print one JSON object")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		t, err := readTranslation()
		if err != nil {
			return err
		}
		if t.NAT == nil && t.Firewall == nil {
			return nat.ErrNone
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), t)
		}
		t.print(node.From(cmd.Context()))
		return nil
	}
	return cmd
}
