package conns

import (
	"fmt"
	"strings"
)

// state is where a TCP socket is on its way from the first SYN to the end
// (RFC 9293 section 3.3.2). The numbers and the names are Linux's (net/tcp_states.h).
type state uint8

const (
	established state = 1
	synRecv     state = 3
	timeWait    state = 6
	listen      state = 10
)

// stateNames are by number.
var stateNames = [...]string{
	1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT",
	7: "CLOSE", 8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING",
}

// String returns the state's name.
func (s state) String() string {
	if int(s) < len(stateNames) && stateNames[s] != "" {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// states is a flag that may be repeated. It is a pflag.Value.
type states []state

func (s *states) String() string {
	names := make([]string, len(*s))
	for i, one := range *s {
		names[i] = one.String()
	}
	return strings.Join(names, " or ")
}

func (s *states) Type() string { return "state" }

// Set reads a name, as the kernel or as ss writes it: CLOSE_WAIT, close-wait.
func (s *states) Set(text string) error {
	name := strings.ToUpper(strings.ReplaceAll(text, "-", "_"))
	for i, known := range stateNames {
		if known != "" && known == name {
			*s = append(*s, state(i))
			return nil
		}
	}
	return fmt.Errorf("no such state; choose from %s", strings.Join(stateNames[1:], ", "))
}
