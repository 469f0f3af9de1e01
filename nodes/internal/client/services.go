package client

import (
	"context"
	"iter"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
)

func echoCommand() *cobra.Command {
	d := &dialogue{service: "echo", port: 50007}
	d.open = func(ctx context.Context, remote addr.Remote, o *options) (conversation, error) {
		if o.udp {
			return openDatagrams(ctx, remote, o)
		}
		return openStream(sameLength)(ctx, remote, o)
	}
	d.messages = d.argsOrLines
	cmd := d.command("echo ADDR [MESSAGE...]", "Send messages and print what comes back", after)
	cmd.Example = `  client echo 10.1.1.10:50007 "Hello, world"
  client echo --udp 10.1.1.10:50007 one two
  client echo 10.1.1.10:50007              (line by line)`
	cmd.Flags().BoolVar(&d.udp, "udp", false, "send datagrams")
	cmd.Flags().BoolVar(&d.dial.ICMPErrors, "recverr", false, "with --udp: setsockopt IP_RECVERR, so that every ICMP error ends a recv")
	return cmd
}

func upperCommand() *cobra.Command {
	d := &dialogue{service: "upper", port: 8081, open: openStream(sameLength)}
	d.messages = d.argsOrLines
	cmd := d.command("upper ADDR [MESSAGE...]", "Send messages and print them in upper case, as the server returns them", after)
	cmd.Example = `  client upper 10.1.1.10:8081 "hello, world"`
	return cmd
}

// replyQuestion is what the tutorial's client asks.
const replyQuestion = "请求占领地球"

func replyCommand() *cobra.Command {
	d := &dialogue{service: "reply", port: 9999, open: openStream(untilEOF)}
	d.messages = func(_ *cobra.Command, args []string) (iter.Seq2[[]byte, error], error) {
		if len(args) == 0 {
			args = []string{replyQuestion}
		}
		return each(args), nil
	}
	cmd := d.command("reply ADDR [MESSAGE]", "Ask once, print the answer that ends with the connection", never)
	cmd.Args = cobra.MaximumNArgs(2)
	cmd.Example = `  client reply 10.1.1.10:9999`
	return cmd
}

// command returns the cobra command of d.
func (d *dialogue) command(use, short string, observe moment) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, RunE: d.run}
	d.addFlags(cmd, observe)
	return cmd
}
