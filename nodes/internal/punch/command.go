package punch

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// RelayPort is the default port of `relay rendezvous`.
const RelayPort = 7200

// Talker is what is done over a path.
type Talker interface {
	// AddFlags adds the flags that say what.
	AddFlags(cmd *cobra.Command)

	// Check checks them. Nothing has happened yet.
	Check(cmd *cobra.Command, tcp, stay bool) error

	// Talk does it. The caller closes w.
	Talk(ctx context.Context, w *Way) error
}

// Command returns the command punch of the program client, which does over a path what t
// says.
func Command(t Talker) *cobra.Command {
	c := Defaults()
	var at, relay, bind string
	var observe []string
	var stay bool
	cmd := &cobra.Command{
		Use:   "punch --rendezvous ADDR --token TOKEN",
		Short: "Make a direct path to a partner behind another NAT, and talk over it",
		Long: `Make a direct path to whoever else has the token, by hole punching: both sides dial
out to the rendezvous, learn each other's observed address, and send to it at the
same time. If no direct path comes about, and a relay is given, the relay carries.
Then talk over the path: one side serves, the other says something to it.`,
		Example: `  client punch --rendezvous 198.18.11.10:3480 --token swordfish --serve echo --stay
  client punch --rendezvous 198.18.11.10:3480 --token swordfish --say "Hello, world"
  client punch --rendezvous 198.18.11.10:3480 --token swordfish --tcp --relay 198.18.11.20:7200`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&at, "rendezvous", "", "the rendezvous: HOST:PORT (server rendezvous)")
	f.StringVar(&relay, "relay", "", "carries if there is no direct path: HOST:PORT (relay rendezvous)")
	f.StringVar(&c.Token, "token", "", "what the two share; take a random one: the rendezvous could guess a short one")
	f.BoolVar(&c.TCP, "tcp", false, "punch for a TCP connection, not for datagrams")
	f.StringVar(&bind, "bind", "", "source address to bind to: IP:PORT, IP or :PORT")
	f.DurationVar(&c.Timeout, "timeout", c.Timeout, "how long to wait for the partner, and for each word of it afterwards")
	f.Var(&c.Want, "path", "which path is wanted")
	f.IntVar(&c.Tries, "tries", c.Tries, "tries before this side says that it has no direct path")
	f.DurationVar(&c.Interval, "interval", c.Interval, "time between two tries")
	f.DurationVar(&c.Idle, "idle", c.Idle, "UDP: the partner is gone when nothing of it comes for so long")
	f.IntVar(&c.Predict, "predict", 0, "UDP: if this side's NAT maps to ports in a row, have the partner try so many of the next ones (at most 64)")
	f.IntVar(&c.Birthday, "birthday", 0, "UDP: if one side's mapping varies, open so many sockets there, and try so many ports from here; on both sides")
	f.StringArrayVar(&observe, "observe", nil, "with --predict and --birthday: another address of a rendezvous, to see how mappings differ (default the next port of --rendezvous)")
	f.BoolVar(&stay, "stay", false, "with --serve: when a partner has left, wait for the next with the same token")
	t.AddFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := c.parse(at, relay, bind); err != nil {
			return err
		}
		if err := c.parseAttack(observe); err != nil {
			return err
		}
		if err := t.Check(cmd, c.TCP, stay); err != nil {
			return node.Usagef("%w", err)
		}
		if stay {
			return Stay(cmd.Context(), c, t.Talk)
		}
		return once(cmd.Context(), c, t.Talk)
	}
	return cmd
}

// parse reads the addresses, and checks the rest.
func (c *Config) parse(at, relay, bind string) (err error) {
	switch {
	case c.Want != Relayed && at == "":
		return node.Usagef("which rendezvous? Give --rendezvous HOST:%d", rendezvous.DefaultPort)
	case c.Want == Relayed && relay == "":
		return node.Usagef("which relay? --path relay needs --relay HOST:%d", RelayPort)
	case c.Timeout <= 0 || c.Interval <= 0 || c.Idle <= 0:
		return node.Usagef("--timeout, --interval and --idle must be more than nothing, such as 2s")
	case c.Tries < 1 || c.Tries > 10000:
		return node.Usagef("--tries %d: must be from 1 to 10000", c.Tries)
	}
	if _, err := rendezvous.NewToken(c.Token, c.use(false)); err != nil {
		return node.Usagef("--token: %w", err)
	}
	if at != "" {
		if c.Rendezvous, err = addr.ParseRemote(at, rendezvous.DefaultPort); err != nil {
			return node.Usagef("--rendezvous %w", err)
		}
	}
	if relay != "" {
		if c.Relay, err = addr.ParseRemote(relay, RelayPort); err != nil {
			return node.Usagef("--relay %w", err)
		}
	}
	if bind != "" {
		if c.Local, err = addr.Local(bind); err != nil {
			return node.Usagef("--bind %w", err)
		}
	}
	return nil
}

// maxBirthday is how many sockets and ports are tried at most: as many as a NAT may have.
const maxBirthday = portRange

// parseAttack reads what is to be done against mappings that vary.
func (c *Config) parseAttack(observe []string) error {
	switch {
	case c.Predict == 0 && c.Birthday == 0:
		if len(observe) > 0 {
			return node.Usagef("--observe is for --predict and --birthday")
		}
		return nil
	case c.TCP:
		return node.Usagef("--predict and --birthday are for UDP")
	case c.Want == Relayed:
		return node.Usagef("--predict and --birthday: --path relay tries nothing")
	case c.Predict < 0 || c.Predict > maxPredicted:
		return node.Usagef("--predict %d: must be from 0 to %d", c.Predict, maxPredicted)
	case c.Birthday < 0 || c.Birthday > maxBirthday:
		return node.Usagef("--birthday %d: must be from 0 to %d", c.Birthday, maxBirthday)
	case c.Rendezvous.Port == 65535 && len(observe) == 0:
		return node.Usagef("--observe: which other address of a rendezvous?")
	}
	if len(observe) == 0 {
		next := c.Rendezvous
		next.Port++
		c.Observe = []addr.Remote{next}
		return nil
	}
	for _, o := range observe {
		r, err := addr.ParseRemote(o, rendezvous.DefaultPort)
		if err != nil {
			return node.Usagef("--observe %w", err)
		}
		c.Observe = append(c.Observe, r)
	}
	return nil
}
