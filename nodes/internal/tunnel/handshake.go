package tunnel

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

const (
	greeting  = "crosslan tunnel"
	version   = 1
	nonceSize = 32
	proofSize = sha256.Size

	challengeSize  = len(greeting) + 1 + nonceSize
	entrySize      = 3 // protocol, port
	maxRequestSize = nonceSize + proofSize + maxPublications*entrySize
	maxAnswerSize  = 1 + 255
)

type (
	nonce [nonceSize]byte
	proof [proofSize]byte
)

func newNonce() nonce {
	var n nonce
	_, _ = rand.Read(n[:]) // never fails
	return n
}

// request asks for ports to be published.
type request struct {
	nonce nonce
	proof proof
	ports []Publication
}

// answer is what came of a request.
type answer struct {
	status status
	proof  proof      // if status is granted
	at     netip.Addr // where the ports are published, likewise
	text   string     // otherwise
}

// status is the kind of an answer.
type status uint8

const (
	granted   status = iota
	badToken         // the client does not have the token
	tooMany          // too many wrong tokens came from there, or too many clients are there
	taken            // a port is another client's
	forbidden        // a port is not among those that the relay publishes
	failed           // a port cannot be listened on
)

var errMalformed = errors.New("malformed")

// writeMessage writes a message behind its length.
func writeMessage(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return err
}

// readMessage reads a message of at most limit bytes: its length comes from somebody
// who has proven nothing yet.
func readMessage(r io.Reader, limit int) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(length[:]))
	if n > limit {
		return nil, fmt.Errorf("%w: a message of %d bytes, where %d are the most", errMalformed, n, limit)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

func encodeChallenge(n nonce) []byte {
	return append(append([]byte(greeting), version), n[:]...)
}

func decodeChallenge(b []byte) (nonce, error) {
	switch {
	case len(b) < len(greeting)+1 || string(b[:len(greeting)]) != greeting:
		return nonce{}, errors.New("this is not a relay tunnel")
	case b[len(greeting)] != version:
		return nonce{}, fmt.Errorf("the relay speaks version %d of the tunnel, this client version %d", b[len(greeting)], version)
	case len(b) != challengeSize:
		return nonce{}, fmt.Errorf("%w challenge", errMalformed)
	}
	return nonce(b[len(greeting)+1:]), nil
}

func encodePorts(ports []Publication) []byte {
	var b []byte
	for _, p := range ports {
		b = binary.BigEndian.AppendUint16(append(b, byte(p.Protocol)), p.Port)
	}
	return b
}

func encodeRequest(r request) []byte {
	b := append([]byte(nil), r.nonce[:]...)
	b = append(b, r.proof[:]...)
	return append(b, encodePorts(r.ports)...)
}

func decodeRequest(b []byte) (request, error) {
	list := len(b) - nonceSize - proofSize
	if list < entrySize || list%entrySize != 0 || list > maxPublications*entrySize {
		return request{}, fmt.Errorf("%w request of %d bytes", errMalformed, len(b))
	}
	r := request{nonce: nonce(b), proof: proof(b[nonceSize:])}
	seen := map[Publication]bool{}
	for b = b[nonceSize+proofSize:]; len(b) > 0; b = b[entrySize:] {
		p := Publication{Protocol: Protocol(b[0]), Port: binary.BigEndian.Uint16(b[1:])}
		if (p.Protocol != TCP && p.Protocol != UDP) || p.Port == 0 || seen[p] {
			return request{}, fmt.Errorf("%w request: %v", errMalformed, p)
		}
		seen[p] = true
		r.ports = append(r.ports, p)
	}
	return r, nil
}

func encodeAnswer(a answer) []byte {
	b := []byte{byte(a.status)}
	if a.status == granted {
		return append(append(b, a.proof[:]...), a.at.Unmap().AsSlice()...)
	}
	return append(b, a.text[:min(len(a.text), maxAnswerSize-1)]...)
}

func decodeAnswer(b []byte) (answer, error) {
	if len(b) == 0 || len(b) > maxAnswerSize {
		return answer{}, fmt.Errorf("%w answer of %d bytes", errMalformed, len(b))
	}
	a := answer{status: status(b[0])}
	if a.status != granted {
		a.text = string(b[1:])
		return a, nil
	}
	if len(b) != 1+proofSize+4 && len(b) != 1+proofSize+16 {
		return answer{}, fmt.Errorf("%w answer of %d bytes", errMalformed, len(b))
	}
	a.proof = proof(b[1:])
	a.at, _ = netip.AddrFromSlice(b[1+proofSize:])
	a.at = a.at.Unmap()
	return a, nil
}

// side is whose proof it is: with one label for both, the relay's proof could be had by
// sending it its own challenge.
type side string

const (
	clientSide side = "crosslan tunnel 1 client"
	relaySide  side = "crosslan tunnel 1 relay"
)

// prove computes a side's proof that it has the token.
func prove(token []byte, s side, relay, client nonce, ports []Publication) proof {
	h := hmac.New(sha256.New, token)
	h.Write([]byte(s))
	h.Write(relay[:])
	h.Write(client[:])
	h.Write(encodePorts(ports))
	return proof(h.Sum(nil))
}

// equal compares in constant time.
func (p proof) equal(q proof) bool { return hmac.Equal(p[:], q[:]) }

// String is the status in JSON.
func (s status) String() string {
	switch s {
	case granted:
		return "granted"
	case badToken:
		return "token"
	case tooMany:
		return "limit"
	case taken:
		return "taken"
	case forbidden:
		return "forbidden"
	}
	return "failed"
}
