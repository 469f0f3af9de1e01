package relaybench

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/batch"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// blockSize is what a source writes and the server reads at once, as iperf3 does.
const blockSize = 128 << 10

// workers is how many connections a client, and the server by way of a rendezvous,
// opens at once.
const workers = 50

// The first byte of a connection says what the server does with the rest of it.
const (
	sinkByte = 's' // counts it
	echoByte = 'e' // sends it back
)

// serverRole listens at args[0], TCP and UDP, and answers lines of its standard input:
//
//	bytes                  how many bytes have come over TCP
//	datagrams              how many datagrams have come
//	join ADDRESS PREFIX N  0, and N times is the partner of who has the token PREFIX and a number
func serverRole(args []string) error {
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	var total, datagrams atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c, &total)
		}
	}()
	if err := countDatagrams(args[0], &datagrams); err != nil {
		return err
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch f := strings.Fields(in.Text()); f[0] {
		case "bytes":
			fmt.Println(total.Load())
		case "datagrams":
			fmt.Println(datagrams.Load())
		case "join":
			n, err := strconv.Atoi(f[3])
			if err != nil {
				return err
			}
			go join(f[1], f[2], n, &total)
			fmt.Println(0)
		}
	}
	return nil
}

func serve(c net.Conn, total *atomic.Int64) {
	defer c.Close()
	buf := make([]byte, 1)
	if _, err := io.ReadFull(c, buf); err != nil {
		return
	}
	if buf[0] == sinkByte {
		buf = make([]byte, blockSize)
	} else {
		buf = make([]byte, 1<<10)
		_, _ = c.Write([]byte{echoByte})
	}
	echo := len(buf) < blockSize
	for {
		n, err := c.Read(buf)
		total.Add(int64(n))
		if err != nil {
			return
		}
		if echo {
			if _, err := c.Write(buf[:n]); err != nil {
				return
			}
		}
	}
}

// join is the partner of n clients of the relay at address.
func join(address, prefix string, n int, total *atomic.Int64) {
	open := opener(address, prefix)
	var next atomic.Int64
	for range workers {
		go func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				c, err := open(int(i))
				if err != nil {
					fmt.Fprintln(os.Stderr, "server:", err)
					continue
				}
				go serve(c, total)
			}
		}()
	}
}

// countDatagrams counts what arrives at address.
func countDatagrams(address string, datagrams *atomic.Int64) error {
	c, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	u, err := batch.New(c.(*net.UDPConn))
	if err != nil {
		return err
	}
	_ = u.SetReadBuffer(4 << 20)
	go func() {
		for {
			b, err := u.Receive()
			if err != nil {
				return
			}
			for i := range b.Messages {
				datagrams.Add(int64(b.Messages[i].Datagrams()))
			}
			b.Release()
		}
	}()
	return nil
}

// opener returns what opens the connection of a number by way of the relay at address;
// with a prefix of tokens, by meeting who has the same at a rendezvous.
func opener(address, prefix string) func(i int) (*net.TCPConn, error) {
	return func(i int) (*net.TCPConn, error) {
		c, err := net.DialTimeout("tcp", address, patience)
		if err != nil || prefix == "" {
			tcp, _ := c.(*net.TCPConn)
			return tcp, err
		}
		token, err := rendezvous.NewToken(prefix+strconv.Itoa(i), rendezvous.RelayTCP)
		if err != nil {
			return nil, err
		}
		g, err := rendezvous.NewGuest(token, nil, nil)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return c.(*net.TCPConn), rendezvous.JoinStream(ctx, c, g)
	}
}

// clientArgs are those that the roles of a client begin with.
func clientArgs(args []string) (open func(i int) (*net.TCPConn, error), n int, err error) {
	n, err = strconv.Atoi(args[2])
	return opener(args[0], args[1]), n, err
}

// openAll opens n connections, and has the server do what kind says with each. Those
// of an echo are used once, so that they are known to reach the server.
func openAll(open func(int) (*net.TCPConn, error), n int, kind byte) ([]*net.TCPConn, error) {
	connections := make([]*net.TCPConn, n)
	var g errgroup.Group
	g.SetLimit(workers)
	for i := range connections {
		g.Go(func() (err error) {
			connections[i], err = openOne(open, i+1, kind)
			return err
		})
	}
	return connections, g.Wait()
}

func openOne(open func(int) (*net.TCPConn, error), i int, kind byte) (*net.TCPConn, error) {
	c, err := open(i)
	if err != nil {
		return nil, err
	}
	if _, err := c.Write([]byte{kind}); err != nil || kind == sinkByte {
		return c, err
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(c, answer); err != nil {
		return nil, err
	}
	if answer[0] != echoByte {
		return nil, errors.New("not the server's answer")
	}
	return c, nil
}

// sourceRole opens connections (args: ADDRESS PREFIX NUMBER) and writes to all of them.
func sourceRole(args []string) error {
	open, n, err := clientArgs(args)
	if err != nil {
		return err
	}
	connections, err := openAll(open, n, sinkByte)
	if err != nil {
		return err
	}
	block := make([]byte, blockSize)
	_, _ = rand.Read(block)
	failed := make(chan error, n)
	for _, c := range connections {
		// Ended by an RST, they leave nothing in buffers that would still
		// arrive in the next measurement.
		_ = c.SetLinger(0)
		go func() {
			for {
				if _, err := c.Write(block); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	fmt.Println("connected")
	return <-failed
}

// rateRole opens, uses once and ends connections, and prints how many a second.
func rateRole(args []string) error {
	open, n, err := clientArgs(args)
	if err != nil {
		return err
	}
	began := time.Now()
	var g errgroup.Group
	g.SetLimit(workers)
	for i := range n {
		g.Go(func() error {
			c, err := openOne(open, i+1, echoByte)
			if err != nil {
				return err
			}
			return c.Close()
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	fmt.Println(float64(n) / time.Since(began).Seconds())
	return nil
}

// latencyRole sends 64 bytes to and fro, args[2] times over one connection, and prints
// the median and the 99th percentile, in microseconds.
func latencyRole(args []string) error {
	open, n, err := clientArgs(args)
	if err != nil {
		return err
	}
	c, err := openOne(open, 1, echoByte)
	if err != nil {
		return err
	}
	b := make([]byte, 64)
	took := make([]time.Duration, 0, n)
	for range n {
		began := time.Now()
		if _, err := c.Write(b); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, b); err != nil {
			return err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	microseconds := func(share float64) float64 { return float64(took[int(share*float64(n))]) / 1e3 }
	fmt.Println(microseconds(0.5), microseconds(0.99))
	return nil
}

// idleRole opens connections, and keeps them.
func idleRole(args []string) error {
	open, n, err := clientArgs(args)
	if err != nil {
		return err
	}
	connections, err := openAll(open, n, echoByte)
	if err != nil {
		return err
	}
	fmt.Println("open")
	var wait sync.WaitGroup
	wait.Add(1)
	wait.Wait() // until the standard input ends
	fmt.Println(len(connections))
	return nil
}
