package service

import (
	"bufio"
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/crosslan/crosslan/nodes/internal/names"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

func init() {
	All.Add(Service{
		Name:  "dns",
		Port:  53,
		About: "TCP and UDP: DNS, the addresses of the names given by --record",
		New: func(flags *pflag.FlagSet) Handlers {
			var d dns
			flags.Var(&d.zone, "record", "dns: a name and its address; may be repeated")
			d.quiet = func() bool {
				quiet, err := flags.GetBool("quiet")
				return err == nil && quiet
			}
			return Handlers{Check: d.check, Stream: d.serve, Datagram: d.answer}
		},
	})
}

// dns answers questions for the names of one zone, and for no others: it asks nobody.
type dns struct {
	zone  names.Zone
	quiet func() bool
}

func (d *dns) check() error {
	if d.zone.Len() == 0 {
		return errors.New("which names? Write server dns --record web.example=10.1.1.10")
	}
	return nil
}

func (d *dns) answer(ctx context.Context, b []byte) []byte {
	return d.reply(ctx, b, names.MaxUDP)
}

// serve answers one question after the other (RFC 7766 section 6.2.1), until the client
// ends, or sends what is no question.
func (d *dns) serve(ctx context.Context, c *Conn) error {
	r := bufio.NewReader(c)
	for {
		b, err := names.ReadPrefixed(r)
		if err != nil {
			return err
		}
		answer := d.reply(ctx, b, names.MaxTCP)
		if answer == nil {
			return errors.New("not a DNS query")
		}
		if _, err := c.Write(names.Prefix(answer)); err != nil {
			return err
		}
	}
}

func (d *dns) reply(ctx context.Context, b []byte, limit int) []byte {
	r, ok := d.zone.Answer(b, limit)
	if !ok {
		return nil
	}
	if !d.quiet() {
		node.From(ctx).Print("question", r.Text)
	}
	return r.Message
}
