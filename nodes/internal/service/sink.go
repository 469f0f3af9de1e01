package service

import (
	"context"

	"github.com/spf13/pflag"
)

func init() {
	All.Add(Service{
		Name:  "sink",
		Port:  8090,
		About: "TCP and UDP: prints the size of each chunk it reads",
		New: func(flags *pflag.FlagSet) Handlers {
			s := &sink{size: recvFlag(flags), late: lateFlag(flags)}
			return Handlers{Stream: s.serve, Datagram: swallow}
		},
	})
}

// defaultRecv is how much the tutorials' recv asks for.
const defaultRecv = 1024

func recvFlag(flags *pflag.FlagSet) *limited {
	return shared(flags, "recv", "sinks: how many bytes each recv asks for", &limited{value: defaultRecv, least: 1, most: 1 << 20})
}

func lateFlag(flags *pflag.FlagSet) *onOff {
	return shared(flags, "late", "sinks: call recv only when the client has sent everything and ended its side", new(onOff))
}

// sink shows how the bytes of a stream are cut into chunks. Its reads are the
// kernel's: one recv each, of the size that the user chose.
type sink struct {
	size *limited
	late *onOff
}

func (s *sink) serve(ctx context.Context, c *Conn) error {
	if *s.late {
		if err := c.waitForEnd(ctx); err != nil {
			return err
		}
	}
	b := make([]byte, s.size.value)
	for {
		if _, err := c.recv(b); err != nil {
			return err
		}
	}
}

// swallow takes a datagram, whose event is all that comes of it.
func swallow(context.Context, []byte) []byte { return nil }
