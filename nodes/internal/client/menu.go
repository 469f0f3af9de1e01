package client

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
)

// menuTimeout is the limit that the tutorial's client gives its recv.
const menuTimeout = 5 * time.Second

func menuCommand() *cobra.Command {
	d := &dialogue{service: "menu", port: 8009, open: openMenu}
	d.messages = d.argsOrLines
	cmd := d.command("menu ADDR [CHOICE...]", "Hear the greeting, then press keys: 0, exit, or any other", never)
	cmd.Example = `  client menu 10.1.1.10:8009 0 1234 exit
  client menu 10.1.1.10:8009              (line by line)`
	d.timeout = menuTimeout
	cmd.Flags().Lookup("timeout").DefValue = menuTimeout.String()
	return cmd
}

// menu is a conversation that the server begins and may end.
type menu struct {
	*stream
	ended bool
}

func openMenu(ctx context.Context, remote addr.Remote, o *options) (conversation, error) {
	c, err := openStream(nil)(ctx, remote, o)
	if err != nil {
		return nil, err
	}
	m := &menu{stream: c.(*stream)}
	if err := m.hear("greeting"); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

// menuAnswer is the most that the menu says at once, in bytes.
const menuAnswer = 1024

// hear prints what the menu says, or that it hung up.
func (m *menu) hear(event string) error {
	b, err := m.recvSettled(menuAnswer, func([]byte) bool { return false })
	if err != nil {
		return err
	}
	if len(b) == 0 {
		m.ended = true
		m.events.Print("closed", fmt.Sprintf("%v hung up", m.remote), slog.Any("remote", m.remote))
		return nil
	}
	m.events.Print(event, string(b), slog.String("text", string(b)))
	return nil
}

func (m *menu) say(choice []byte) error {
	if m.ended {
		return m.hungUp(fmt.Sprintf("before %q was sent", choice))
	}
	if err := m.send(choice); err != nil {
		return err
	}
	return m.hear("reply")
}
