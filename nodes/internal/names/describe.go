package names

import (
	"fmt"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// describedAddrs is how many addresses of an answer are named.
const describedAddrs = 4

// Describe words a DNS message for one line of a log, "query A web.example." or "answer
// A web.example. NOERROR 10.1.1.10". It reports false for what is no DNS message.
func Describe(b []byte) (string, bool) {
	var m dnsmessage.Message
	if err := m.Unpack(b); err != nil {
		return "", false
	}
	if m.Response {
		return "answer " + text(m), true
	}
	return "query " + text(m), true
}

// text words the questions of a message, and what an answer says to them.
func text(m dnsmessage.Message) string {
	var words []string
	for _, q := range m.Questions {
		words = append(words, typeName(q.Type), q.Name.String())
	}
	if !m.Response {
		return strings.Join(words, " ")
	}
	words = append(words, codeName(m.RCode))
	more := 0
	for _, r := range m.Answers {
		switch a, ok := bodyAddr(r.Body); {
		case !ok:
		case more > 0 || len(words) >= 2*len(m.Questions)+1+describedAddrs:
			more++
		default:
			words = append(words, a.String())
		}
	}
	if more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	if m.Truncated {
		words = append(words, "(truncated)")
	}
	return strings.Join(words, " ")
}
