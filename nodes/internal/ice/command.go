package ice

import (
	"context"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// flags are those of client ice.
type flags struct {
	signal, token, user, password string
	stun, turn                    []string
	turnTCP, relayOnly            bool
	say                           []string
	timeout                       time.Duration
}

// Ports that are suggested to who leaves one out.
const (
	stunPort   = 3478
	signalPort = 7200
)

// Command returns the command ice of the program client.
func Command() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "ice --signal ADDR --token TOKEN",
		Short: "Find the best path to whoever else has the token, by ICE",
		Long: `Gather candidates (the host's own addresses, the reflexive one that a STUN server sees,
a relayed one of a TURN server), tell them to the peer, check every pair, and take the best
that works (RFC 8445). Then talk over it: without --say, what the peer sends is sent back.

The peers meet at relay rendezvous (--signal), which carries only what they tell each
other of their candidates.`,
		Example: `  client ice --signal 198.18.15.11:7200 --token swordfish --stun 198.18.15.10:3478
  client ice --signal 198.18.15.11:7200 --token swordfish --stun 198.18.15.10:3478 \
    --turn 198.18.15.20:3478 --user alice --password wonderland --say "Hello"`,
		Args: cobra.NoArgs,
	}
	fs := cmd.Flags()
	fs.StringVar(&f.signal, "signal", "", "where the peers meet: HOST:PORT (relay rendezvous)")
	fs.StringVar(&f.token, "token", "", "word that both peers know")
	fs.StringArrayVar(&f.stun, "stun", nil, "STUN server: HOST:PORT; may be repeated")
	fs.StringArrayVar(&f.turn, "turn", nil, "TURN server: HOST:PORT; may be repeated")
	fs.StringVar(&f.user, "user", "", "name at the TURN server")
	fs.StringVar(&f.password, "password", "", "password at the TURN server")
	fs.BoolVar(&f.turnTCP, "turn-tcp", false, "go to the TURN server over TCP")
	fs.BoolVar(&f.relayOnly, "relay-only", false, "offer relayed candidates alone")
	fs.StringArrayVar(&f.say, "say", nil, "say this to the peer and print what comes back; may be repeated")
	fs.DurationVar(&f.timeout, "timeout", 10*time.Second, "limit for each: the peer to come, a path to be found, a reply")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := f.session(cmd.Context())
		if err != nil {
			return err
		}
		return s.run(cmd.Context())
	}
	return cmd
}

// session reads the flags.
func (f *flags) session(ctx context.Context) (*session, error) {
	if f.signal == "" || f.token == "" {
		return nil, node.Usagef("--signal and --token: where, and by which word, do the peers meet?")
	}
	if len(f.turn) > 0 && (f.user == "" || f.password == "") {
		return nil, node.Usagef("--turn: a TURN server asks who uses it; give --user and --password")
	}
	if f.relayOnly && len(f.turn) == 0 {
		return nil, node.Usagef("--relay-only: without --turn there is no relayed candidate")
	}
	if f.timeout <= 0 {
		return nil, node.Usagef("--timeout %v: want a duration above 0", f.timeout)
	}
	s := &session{token: f.token, say: f.say, timeout: f.timeout, config: Config{RelayOnly: f.relayOnly, GatherLimit: gatherLimit}}
	var err error
	if s.signal, err = resolve(ctx, "--signal", f.signal, signalPort); err != nil {
		return nil, err
	}
	for _, text := range f.stun {
		at, err := resolve(ctx, "--stun", text, stunPort)
		if err != nil {
			return nil, err
		}
		s.config.STUN = append(s.config.STUN, at)
	}
	for _, text := range f.turn {
		at, err := resolve(ctx, "--turn", text, stunPort)
		if err != nil {
			return nil, err
		}
		s.config.TURN = append(s.config.TURN, TURN{at, f.turnTCP, f.user, f.password})
	}
	return s, nil
}

// gatherLimit is how long a server may take that is asked for a candidate.
const gatherLimit = 2 * time.Second

func resolve(ctx context.Context, flag, text string, port uint16) (netip.AddrPort, error) {
	r, err := addr.ParseRemote(text, port)
	if err != nil {
		return netip.AddrPort{}, node.Usagef("%s %w", flag, err)
	}
	all, err := dial.Resolve(ctx, r)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return all[0], nil
}
