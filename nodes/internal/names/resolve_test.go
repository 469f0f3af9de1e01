package names

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

func TestAServerAnswers(t *testing.T) {
	server := serveZone(t, zoneOf(t, "web.example=10.45.2.10", "web.example=2001:db8:45:2::10"))
	assert.Equal(t, outcome{0, "" +
		"resolver   127.0.0.1:* (--server)\n" +
		"query      127.0.0.1:* udp A web.example., 29 bytes\n" +
		"answer     127.0.0.1:* NOERROR, records: 1, authoritative, 45 bytes\n" +
		"record     web.example. A 10.45.2.10, for 60 s\n" +
		"query      127.0.0.1:* udp AAAA web.example., 29 bytes\n" +
		"answer     127.0.0.1:* NOERROR, records: 1, authoritative, 57 bytes\n" +
		"record     web.example. AAAA 2001:db8:45:2::10, for 60 s\n" +
		"address    10.45.2.10\n" +
		"address    2001:db8:45:2::10\n", ""}, call(t, "web.example", "--server", server))
}

func TestNoSuchName(t *testing.T) {
	server := serveZone(t, zoneOf(t, "web.example=10.45.2.10"))
	assert.Equal(t, outcome{1, "" +
		"resolver   127.0.0.1:* (--server)\n" +
		"query      127.0.0.1:* udp A wep.example., 29 bytes\n" +
		"answer     127.0.0.1:* NXDOMAIN, there is no such name, authoritative, 29 bytes\n",
		"client: resolve: wep.example: NXDOMAIN, there is no such name: getaddrinfo says EAI_NONAME (-2) Name or service not known\n"},
		call(t, "wep.example", "--server", server))

	got := call(t, "example", "--server", server, "--type", "AAAA")
	assert.Equal(t, "client: resolve: example: the name exists, without an address: getaddrinfo says EAI_NODATA (-5) No address associated with hostname\n", got.stderr)
}

func TestAnAnswerThatDoesNotFitADatagram(t *testing.T) {
	z := &Zone{}
	for i := range 40 {
		require.NoError(t, z.Set(fmt.Sprintf("big.example=10.45.3.%d", i)))
	}
	got := call(t, "big.example", "--type", "A", "--server", serveZone(t, z))
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Regexp(t, `answer     127.0.0.1:\* NOERROR, records: \d\d, authoritative, truncated: more than fits a datagram, \d+ bytes
query      127.0.0.1:\* tcp A big.example., 29 bytes
answer     127.0.0.1:\* NOERROR, records: 40, authoritative, 669 bytes
`, got.stdout)
	assert.Equal(t, 40, strings.Count(got.stdout, "record "))
	assert.Equal(t, 40, strings.Count(got.stdout, "address "))
}

func TestServersThatDoNotAnswer(t *testing.T) {
	silent := serve(t, func([]byte) [][]byte { return nil }, nil)
	assert.Equal(t, outcome{1, "" +
		"resolver   127.0.0.1:* (--server)\n" +
		"query      127.0.0.1:* udp A web.example., 29 bytes\n" +
		"timeout    127.0.0.1:* no answer within 0.05 s\n" +
		"query      127.0.0.1:* udp A web.example., 29 bytes\n" +
		"timeout    127.0.0.1:* no answer within 0.05 s\n",
		"client: resolve: web.example: no server has answered: getaddrinfo says EAI_AGAIN (-3) Temporary failure in name resolution\n"},
		call(t, "web.example", "--server", silent, "--timeout", "50ms"))

	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, pc.Close())
	got := call(t, "web.example", "--server", pc.LocalAddr().String())
	assert.Equal(t, 1, got.status)
	assert.Equal(t, 2, strings.Count(got.stdout, "error      recv: ECONNREFUSED (111) connection refused: 127.0.0.1:*\n"), got.stdout)
}

func TestAServerThatFails(t *testing.T) {
	failing := serve(t, func(b []byte) [][]byte {
		return [][]byte{{b[0], b[1], 0x81, 0x82, 0, 0, 0, 0, 0, 0, 0, 0}} // SERVFAIL, without the question
	}, nil)
	got := call(t, "web.example", "--server", failing)
	assert.Equal(t, 2, strings.Count(got.stdout, "answer     127.0.0.1:* SERVFAIL, records: 0, 12 bytes\n"), got.stdout)
	assert.Contains(t, got.stderr, "EAI_AGAIN (-3)")

	refusing := serve(t, func(b []byte) [][]byte {
		return [][]byte{{b[0], b[1], 0x81, 0x85, 0, 0, 0, 0, 0, 0, 0, 0}}
	}, nil)
	got = call(t, "web.example", "--server", refusing)
	assert.Equal(t, "client: resolve: web.example: REFUSED: getaddrinfo says EAI_AGAIN (-3) Temporary failure in name resolution\n", got.stderr)
}

func TestOnlyTheAnswerCounts(t *testing.T) {
	z := zoneOf(t, "web.example=10.45.2.10", "evil.example=10.66.6.6")
	server := serve(t, func(b []byte) [][]byte {
		right, _ := z.Answer(b, MaxUDP)
		otherID := append([]byte{}, right.Message...)
		binary.BigEndian.PutUint16(otherID, binary.BigEndian.Uint16(otherID)+1)
		evil := dnsmessage.Message{Header: dnsmessage.Header{ID: binary.BigEndian.Uint16(b)}, Questions: []dnsmessage.Question{
			{Name: dnsmessage.MustNewName("evil.example."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
		q, err := evil.Pack()
		assert.NoError(t, err)
		otherName, _ := z.Answer(q, MaxUDP)
		empty := []byte{b[0], b[1], 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		return [][]byte{{1}, b, otherID, otherName.Message, empty, right.Message}
	}, nil)
	got := call(t, "web.example", "--server", server, "--type", "A")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, 1, strings.Count(got.stdout, "answer "))
	assert.Contains(t, got.stdout, "address    10.45.2.10\n")
}

func TestAnotherName(t *testing.T) {
	server := serve(t, func(b []byte) [][]byte {
		var m dnsmessage.Message
		assert.NoError(t, m.Unpack(b))
		real := dnsmessage.MustNewName("host-b.example.")
		m.Response, m.RecursionAvailable = true, true
		m.Answers = []dnsmessage.Resource{
			{Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 5}, Body: &dnsmessage.CNAMEResource{CNAME: real}},
			{Header: dnsmessage.ResourceHeader{Name: real, Class: dnsmessage.ClassINET, TTL: 5}, Body: &dnsmessage.AResource{A: [4]byte{10, 45, 2, 10}}},
			{Header: dnsmessage.ResourceHeader{Name: real, Type: 4711, Class: dnsmessage.ClassINET}, Body: &dnsmessage.UnknownResource{Type: 4711, Data: []byte("abc")}},
			{Header: dnsmessage.ResourceHeader{Name: real, Class: dnsmessage.ClassINET}, Body: &dnsmessage.TXTResource{TXT: []string{"abc"}}},
		}
		a, err := m.Pack()
		assert.NoError(t, err)
		return [][]byte{a}
	}, nil)
	got := call(t, "www.example", "--server", server, "--type", "A")
	assert.Contains(t, got.stdout, ""+
		"record     www.example. CNAME is another name of host-b.example., for 5 s\n"+
		"record     host-b.example. A 10.45.2.10, for 5 s\n"+
		"record     host-b.example. 4711 3 bytes, for 0 s\n"+
		"record     host-b.example. TXT a record that is no address, for 0 s\n"+
		"address    10.45.2.10\n")
}

func TestTheHostsFileComesFirst(t *testing.T) {
	hosts := "# a comment\n127.0.0.1 localhost\n\n10.45.2.10\thost-b Host-B.example # here\nnonsense host-b\n10.45.2.10 host-b\n"
	assert.Equal(t, outcome{0, "" +
		"hosts      /etc/hosts line 4: 10.45.2.10 host-b Host-B.example\n" +
		"hosts      /etc/hosts line 6: 10.45.2.10 host-b\n" +
		"address    10.45.2.10\n", ""}, resolveWith(t, "HOST-B", hosts, ""))
	assert.Contains(t, resolveWith(t, "host-b.example.", hosts, "").stdout, "line 4")
}

func TestThenTheServersOfResolvConf(t *testing.T) {
	n := nstest.New(t)
	require.NoError(t, n.Do(func() error {
		// Nobody listens on port 53 here: what is asked is what counts.
		got := resolveWith(t, "web", "127.0.0.1 localhost\n",
			"; a comment\nnameserver 127.0.0.53\nnameserver 127.0.0.54 # the second\nsearch example lan.example\noptions ndots:1 attempts:1 timeout:1\n")
		assert.Equal(t, outcome{1, "" +
			"hosts      /etc/hosts (lines: 1) does not have \"web\"\n" +
			"resolver   /etc/resolv.conf line 2: nameserver 127.0.0.53\n" +
			"resolver   /etc/resolv.conf line 3: nameserver 127.0.0.54\n" +
			"query      127.0.0.53:53 udp A web.example., 29 bytes\n" +
			"error      recv: ECONNREFUSED (111) connection refused: 127.0.0.53:53\n" +
			"query      127.0.0.54:53 udp A web.example., 29 bytes\n" +
			"error      recv: ECONNREFUSED (111) connection refused: 127.0.0.54:53\n",
			"client: resolve: web: no server has answered: getaddrinfo says EAI_AGAIN (-3) Temporary failure in name resolution\n"}, got)

		got = resolveWith(t, "web.example", "", "options attempts:1\n")
		assert.Contains(t, got.stdout, "resolver   /etc/resolv.conf names no server: this host\n")
		return nil
	}))
}

func TestCandidates(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ndots int
		want  []string
	}{
		{"web", 1, []string{"web.a.example.", "web.b.example.", "web."}},
		{"web", 0, []string{"web.", "web.a.example.", "web.b.example."}},
		{"web.lan", 1, []string{"web.lan.", "web.lan.a.example.", "web.lan.b.example."}},
		{"web.lan", 2, []string{"web.lan.a.example.", "web.lan.b.example.", "web.lan."}},
		{"web.", 1, []string{"web."}},
	} {
		r := resolver{search: []string{"a.example", ".b.example"}, ndots: tt.ndots}
		got, err := r.candidates(tt.name)
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprint(tt.want), fmt.Sprint(got), tt.name)
	}
}

func TestWhatIsNoName(t *testing.T) {
	a, b := nstest.New(t), nstest.New(t)
	nstest.Link(t, a, "lan", "10.45.1.10/24", b, "lan", "10.45.1.11/24")
	bound := "" +
		"address    0.0.0.0 (to bind: every address of this host; to connect: this host)\n" +
		"bind       0.0.0.0:0, listens on 0.0.0.0:*\n" +
		"connect    127.0.0.1:* reaches it\n" +
		"connect    10.45.1.10:* reaches it\n" +
		"connect    0.0.0.0:* reaches it\n"
	require.NoError(t, a.Do(func() error {
		assert.Equal(t, outcome{0, "name       \"\" is no name: nothing is looked up, and bind takes it for 0.0.0.0\n" + bound, ""}, call(t, ""))
		assert.Equal(t, outcome{0, "name       0.0.0.0 is an address already: nothing is looked up\n" + bound, ""}, call(t, "0.0.0.0"))
		assert.Equal(t, outcome{0, "name       10.45.2.10 is an address already: nothing is looked up\naddress    10.45.2.10\n", ""}, call(t, "10.45.2.10"))
		assert.Equal(t, outcome{0, "" +
			"hosts      /etc/hosts line 1: 127.0.0.1 localhost\n" +
			"address    127.0.0.1 (this host alone, whoever asks)\n" +
			"bind       127.0.0.1:0, listens on 127.0.0.1:*\n" +
			"connect    127.0.0.1:* reaches it\n" +
			"connect    10.45.1.10:* ECONNREFUSED (111) connection refused\n", ""}, resolveWith(t, "localhost", "127.0.0.1 localhost\n", ""))
		got := resolveWith(t, "localhost", "", "nameserver 192.0.2.1\n")
		assert.Contains(t, got.stdout, "name       localhost is this host by definition (RFC 6761): no server is asked\naddress    127.0.0.1 ")
		return nil
	}))
}

func TestJSON(t *testing.T) {
	server := serveZone(t, zoneOf(t, "web.example=10.45.2.10"))
	got := call(t, "web.example", "--server", server, "--type", "A", "--log", "json")
	var events []string
	for line := range strings.Lines(got.stdout) {
		var e map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		events = append(events, e["event"].(string))
		if e["event"] == "answer" {
			assert.Equal(t, "NOERROR", e["code"])
			assert.Equal(t, true, e["authoritative"])
		}
	}
	assert.Equal(t, []string{"resolver", "query", "answer", "record", "address"}, events)
}

func TestWrongUse(t *testing.T) {
	long := strings.Repeat("a", 64) + ".example"
	for want, args := range map[string][]string{
		`"a..b" is not a name: between dots are 1 to 63 characters`:         {"a..b"},
		`"` + long + `" is not a name: between dots are 1 to 63 characters`: {long},
		`"." is not a name`:                                                                         {"."},
		`--server "web:53": "web" is not an IP address`:                                             {"web.example", "--server", "web:53"},
		"--timeout -1s: must be more than nothing, such as 1s":                                      {"web.example", "--timeout", "-1s"},
		`invalid argument "MX" for "--type" flag: no such type of address; choose A or AAAA`:        {"web.example", "--type", "MX"},
		`"` + strings.Repeat("abcdefg.", 40) + `b" is not a name: it is longer than 253 characters`: {strings.Repeat("abcdefg.", 40) + "b"},
		"accepts 1 arg(s), received 0":                                                              {},
	} {
		assert.Equal(t, outcome{2, "", "client: " + want + " (see: client resolve --help)\n"}, call(t, args...))
	}
}
