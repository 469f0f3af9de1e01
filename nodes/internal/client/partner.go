package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/punch"
	"github.com/crosslan/crosslan/nodes/internal/service"
	"github.com/crosslan/crosslan/nodes/internal/transfer"
)

// partner is what one of two does over a path that punch made: it serves, or is the
// client of what the other serves, or both chat.
type partner struct {
	serve string
	say   []string
	chat  chat
	chats bool
	file  file
	get   string
	post  string
	limit time.Duration

	choose  func(string) (*service.Partner, error)
	service *service.Partner
	stream  bool // what is done wants a stream of bytes, not datagrams
}

func punchCommand() *cobra.Command { return punch.Command(&partner{}) }

// AddFlags adds the flags that say what is done.
func (p *partner) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.serve, "serve", "", "serve the partner: echo, upper, file or sink, with their flags")
	f.StringArrayVar(&p.say, "say", nil, "say this to the partner's echo and print what comes back, or in a chat; may be repeated")
	f.DurationVar(&p.limit, "answer-timeout", defaultTimeout, "limit for each answer of the partner")
	f.BoolVar(&p.chats, "chat", false, "chat, if the partner does")
	f.StringVar(&p.chat.name, "name", "", "chat: put this name before each line; post: the file's name over there")
	f.StringVar(&p.chat.when, "when", "", "chat: begin to say the lines of --say once a line with this text was heard")
	f.StringVar(&p.chat.until, "until", "", "chat: leave once a line with this text was heard")
	f.StringVar(&p.get, "get", "", "fetch this file from the partner's file service")
	f.StringVar(&p.post, "post", "", "send this file to the partner's file service")
	f.StringVar(&p.file.to, "to", ".", "get: the directory to put the file into")
	f.BoolVar(&p.file.discard, "discard", false, "get: keep nothing of the file but its digests")
	f.StringVar(&p.file.generate, "generate", "", "post: make up a file of this size, such as 100MB")
	p.choose = service.All.Partners(f, "echo", "upper", "file", "sink")
}

// Check checks them.
func (p *partner) Check(cmd *cobra.Command, tcp, stay bool) (err error) {
	p.file.out, p.chat.in = cmd.OutOrStdout(), cmd.InOrStdin()
	jobs := 0
	for _, asked := range []bool{p.serve != "", p.chats, p.get != "", p.post != "", len(p.say) > 0 && !p.chats} {
		if asked {
			jobs++
		}
	}
	switch {
	case jobs > 1:
		return errors.New("--serve, --say, --chat, --get and --post: choose one (--say goes with --chat)")
	case stay && p.serve == "":
		return errors.New("--stay: serve what? Give --serve")
	case p.limit <= 0:
		return fmt.Errorf("--answer-timeout %v: must be more than nothing, such as 2s", p.limit)
	case p.serve == "":
		p.chat.lines, p.file.name = p.say, p.chat.name
		p.stream = tcp || p.chats || p.get != "" || p.post != ""
		return judgeSize("--generate", p.file.generate)
	}
	if p.service, err = p.choose(p.serve); err != nil {
		return fmt.Errorf("--serve: %w", err)
	}
	p.stream = tcp || !p.service.Datagrams()
	return nil
}

// Talk does it.
func (p *partner) Talk(ctx context.Context, w *punch.Way) error {
	err := p.talk(ctx, w)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (p *partner) talk(ctx context.Context, w *punch.Way) error {
	var socket punch.Socket
	if p.stream {
		var err error
		switch socket, err = w.Stream(ctx); {
		case p.service != nil && errors.Is(err, io.EOF):
			return nil // a partner that wants nothing
		case err != nil:
			return err
		}
	}
	switch {
	case p.service == nil:
		return p.ask(ctx, w, socket)
	case p.stream:
		return p.service.Stream(ctx, socket)
	}
	return p.service.Datagram(ctx, w.UDP)
}

// ask is the client of the partner: over socket, or by datagrams if there is none.
func (p *partner) ask(ctx context.Context, w *punch.Way, socket punch.Socket) error {
	stop := context.AfterFunc(ctx, func() { w.Conn().Close() })
	defer stop()
	s := &stream{socket: socket, remote: addr.RemoteAt(addr.Of(w.Conn().RemoteAddr())), timeout: p.limit, events: node.From(ctx), receive: sameLength}
	switch {
	case p.chats:
		return p.chat.talkAndListen(ctx, s, nil)
	case p.get != "":
		return p.file.transfer(ctx, s, []string{string(transfer.Get), p.get})
	case p.post != "":
		return p.file.transfer(ctx, s, []string{string(transfer.Post), p.post})
	}
	var c interface{ say([]byte) error } = s
	if socket == nil {
		c = &messages{w.UDP, s}
	}
	for _, text := range p.say {
		if err := c.say([]byte(text)); err != nil {
			return err
		}
	}
	return nil
}

// messages is a conversation over a link that keeps the boundaries of messages.
type messages struct {
	link net.Conn
	*stream
}

// say sends a message and prints the next that comes.
func (m *messages) say(message []byte) error {
	if err := m.link.SetDeadline(time.Now().Add(m.timeout)); err != nil {
		return err
	}
	if _, err := m.link.Write(message); err != nil {
		return m.fail("send", err)
	}
	local := addr.Of(m.link.LocalAddr())
	m.events.Print("sent", fmt.Sprintf("%v -> %v %s", local, m.remote, node.Bytes(len(message))),
		slog.Any("local", local), slog.Any("remote", m.remote), slog.Int("bytes", len(message)))
	b := make([]byte, datagram.MaxSize)
	n, err := m.link.Read(b)
	if err != nil {
		return m.fail("recv", err)
	}
	m.events.Print("reply", string(b[:n]), slog.String("text", string(b[:n])))
	return nil
}
