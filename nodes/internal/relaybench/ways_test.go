package relaybench

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/turn/v5"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// way is how a client reaches the server.
type way struct {
	name    string
	address string // that the client dials
	// meet: the server dials out as well, and both are paired by a token.
	meet bool
	pids []int // of the processes that relay; of a tunnel with those beside the server

	met int // tokens that were used
}

// pieces is how a way is started: commands in the relay's namespace, and in the server's.
type pieces struct {
	relay, server []*exec.Cmd
}

func commands(cmds ...*exec.Cmd) pieces { return pieces{relay: cmds} }

// programs are the nodes' programs, built for the benchmark.
type programs struct{ dir string }

func buildPrograms(b *testing.B) programs {
	p := programs{dir: b.TempDir()}
	build := exec.Command("go", "build", "-trimpath", "-o", p.dir+"/", "github.com/crosslan/crosslan/nodes/relay", "github.com/crosslan/crosslan/nodes/client")
	out, err := build.CombinedOutput()
	require.NoError(b, err, "%s", out)
	return p
}

func (p programs) command(name string, args ...string) *exec.Cmd {
	return exec.Command(filepath.Join(p.dir, name), args...)
}

// startTCPWays starts the relays of connections that there are.
func (n *network) startTCPWays(b *testing.B, p programs) []*way {
	at := func(port int) string { return fmt.Sprintf("%s:%d", relayIP, port) }
	ways := []*way{{name: "direct", address: server}}
	for _, w := range []struct {
		way
		pieces
	}{
		{way{name: "bare splice loop", address: at(7001)}, commands(roleCommand(b, "splice", at(7001), server))},
		{way{name: "io.Copy", address: at(7002)}, commands(roleCommand(b, "io.Copy", at(7002), server))},
		{way{name: "relay tcp", address: at(7003)}, commands(p.command("relay", "tcp", at(7003)+"="+server, fmt.Sprintf("--max-connections=%d", n.most+100)))},
		{way{name: "relay rendezvous", address: at(7004), meet: true}, commands(p.command("relay", "rendezvous", at(7004), "--quiet",
			"--max-per-source=30000", "--max-connections=60000", "--max-clients=60000"))},
		{way{name: "relay tunnel", address: at(8005)}, pieces{
			relay:  []*exec.Cmd{p.command("relay", "tunnel", at(7005), "--token=mark", "--max-connections=20000")},
			server: []*exec.Cmd{p.command("client", "tunnel", at(7005), "--token=mark", "--max-connections=20000", "tcp:8005="+server)},
		}},
		{way{name: "HAProxy", address: at(7006)}, commands(n.haproxy(b, at(7006)))},
		{way{name: "nginx stream", address: at(7007)}, commands(nginx(b, at(7007)))},
		{way{name: "socat", address: at(7008)}, commands(socat(at(7008)))},
	} {
		w.way.pids = n.startPieces(b, w.name, w.pieces)
		if w.way.pids == nil {
			continue
		}
		n.awaitTCP(b, w.name, w.address)
		ways = append(ways, &w.way)
	}
	return ways
}

// startPieces returns the processes, or none if a program is not installed.
func (n *network) startPieces(b *testing.B, name string, p pieces) (pids []int) {
	start := func(ns *nstest.Namespace, cmds []*exec.Cmd) {
		for _, cmd := range cmds {
			_, err := cmd.StdinPipe() // whose end would end it; what it prints nobody reads
			require.NoError(b, err)
			ns.Start(b, cmd)
			pids = append(pids, cmd.Process.Pid)
		}
	}
	if !listed("CROSSLAN_BENCH_WAYS", name) {
		return nil
	}
	for _, cmd := range slices.Concat(p.relay, p.server) {
		if cmd.Err != nil {
			b.Logf("without %s: %v", name, cmd.Err)
			return nil
		}
	}
	start(n.relay, p.relay)
	start(n.server, p.server)
	return pids
}

// awaitTCP waits until address accepts connections.
func (n *network) awaitTCP(b *testing.B, name, address string) {
	require.Eventually(b, func() bool {
		return n.client.Do(func() error {
			c, err := net.Dial("tcp", address)
			if err == nil {
				c.Close()
			}
			return err
		}) == nil
	}, patience, 10*time.Millisecond, "%s does not listen", name)
}

func (n *network) haproxy(b *testing.B, address string) *exec.Cmd {
	config := filepath.Join(b.TempDir(), "haproxy.cfg")
	require.NoError(b, os.WriteFile(config, fmt.Appendf(nil, `
global
  maxconn %d
  maxpipes 300
defaults
  mode tcp
  option splice-auto
  timeout connect 5s
  timeout client 5m
  timeout server 5m
listen relay
  bind %s
  server target %s
`, n.most+100, address, server), 0o600))
	return exec.Command("haproxy", "-db", "-f", config)
}

// streamModule is where Debian has nginx's stream module.
const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so"

func nginx(b *testing.B, address string) *exec.Cmd {
	dir := b.TempDir()
	config := filepath.Join(dir, "nginx.conf")
	require.NoError(b, os.WriteFile(config, fmt.Appendf(nil, `
load_module %s;
user root;
daemon off;
worker_processes auto;
pid %s/pid;
error_log stderr crit;
events { worker_connections 16384; }
stream {
  access_log off;
  server {
    listen %s;
    proxy_pass %s;
    proxy_timeout 5m;
  }
}
`, streamModule, dir, address, server), 0o600))
	cmd := exec.Command("nginx", "-c", config, "-p", dir)
	if _, err := os.Stat(streamModule); err != nil && cmd.Err == nil {
		cmd.Err = err
	}
	return cmd
}

func socat(address string) *exec.Cmd {
	ip, port, _ := strings.Cut(address, ":")
	return exec.Command("socat", "-b", "131072", "TCP-LISTEN:"+port+",bind="+ip+",fork,reuseaddr,backlog=1024", "TCP:"+server)
}

// clientOf starts a role of the client by way of w, with n connections or rounds.
func (n *network) clientOf(b *testing.B, w *way, role string, number, connections int) *child {
	prefix := ""
	if w.meet {
		w.met++
		prefix = fmt.Sprintf("meeting-%d-", w.met)
		n.ask(b, "join %s %s %d", w.address, prefix, connections)
	}
	return startChild(b, n.client, roleCommand(b, role, w.address, prefix, fmt.Sprint(number)))
}

// startUDPWays starts the relays of datagrams that there are.
func (n *network) startUDPWays(b *testing.B, p programs) []*way {
	at := func(port int) string { return fmt.Sprintf("%s:%d", relayIP, port) }
	ways := []*way{{name: "direct", address: server}}
	user := turnUser + ":" + turnPassword
	for _, w := range []struct {
		way
		pieces
	}{
		{way{name: "relay udp", address: at(7001)}, commands(p.command("relay", "udp", at(7001)+"="+server))},
		{way{name: "relay turn", address: at(3478)}, commands(p.command("relay", "turn", "--listen="+at(3478), "--user="+user, "--realm="+turnRealm, "--quiet"))},
		{way{name: "coturn", address: at(3479)}, commands(exec.Command("turnserver", "-n", "--log-file=stdout", "--lt-cred-mech", "--user="+user,
			"--realm="+turnRealm, "--listening-ip="+relayIP, "--listening-port=3479", "--relay-ip="+relayIP, "--min-port=20000", "--max-port=30000",
			"--no-tls", "--no-dtls", "--no-cli", "--pidfile="+b.TempDir()+"/pid"))},
	} {
		w.way.pids = n.startPieces(b, w.name, w.pieces)
		if w.way.pids == nil {
			continue
		}
		if w.isTURN() {
			n.awaitTURN(b, w.name, w.address)
		}
		ways = append(ways, &w.way)
	}
	return ways
}

func (w *way) isTURN() bool { return w.name == "relay turn" || w.name == "coturn" }

// awaitTURN waits until the server at address gives allocations.
func (n *network) awaitTURN(b *testing.B, name, address string) {
	require.Eventually(b, func() bool {
		var c net.PacketConn
		if n.client.Do(func() (err error) { c, err = net.ListenPacket("udp4", ""); return err }) != nil {
			return false
		}
		defer c.Close()
		client, err := turn.NewClient(&turn.ClientConfig{TURNServerAddr: address, Conn: c, Username: turnUser, Password: turnPassword, Realm: turnRealm})
		if err != nil || client.Listen() != nil {
			return false
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err = client.AllocateWithContext(ctx)
		return err == nil
	}, patience, 50*time.Millisecond, "%s gives no allocation", name)
}
