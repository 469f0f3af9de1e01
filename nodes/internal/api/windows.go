package api

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// winsock is an error as Windows numbers it.
type winsock struct {
	number int
	name   string
}

func (w winsock) String() string { return fmt.Sprintf("%d %s", w.number, w.name) }

// winsocks are the errors that Windows reports where Linux reports the errno
// ("Windows Sockets Error Codes"). A connect that goes on in the background is
// WSAEWOULDBLOCK there. EPIPE has no counterpart of its own: it is 10053, 10054 or
// 10058, as it came about.
var winsocks = map[unix.Errno]winsock{
	unix.EACCES:          {10013, "WSAEACCES"},
	unix.EINVAL:          {10022, "WSAEINVAL"},
	unix.EAGAIN:          {10035, "WSAEWOULDBLOCK"},
	unix.EINPROGRESS:     {10035, "WSAEWOULDBLOCK"},
	unix.EALREADY:        {10037, "WSAEALREADY"},
	unix.ENOTSOCK:        {10038, "WSAENOTSOCK"},
	unix.EDESTADDRREQ:    {10039, "WSAEDESTADDRREQ"},
	unix.EMSGSIZE:        {10040, "WSAEMSGSIZE"},
	unix.ENOPROTOOPT:     {10042, "WSAENOPROTOOPT"},
	unix.EPROTONOSUPPORT: {10043, "WSAEPROTONOSUPPORT"},
	unix.ESOCKTNOSUPPORT: {10044, "WSAESOCKTNOSUPPORT"},
	unix.EOPNOTSUPP:      {10045, "WSAEOPNOTSUPP"},
	unix.EAFNOSUPPORT:    {10047, "WSAEAFNOSUPPORT"},
	unix.EADDRINUSE:      {10048, "WSAEADDRINUSE"},
	unix.EADDRNOTAVAIL:   {10049, "WSAEADDRNOTAVAIL"},
	unix.ENETUNREACH:     {10051, "WSAENETUNREACH"},
	unix.ECONNABORTED:    {10053, "WSAECONNABORTED"},
	unix.ECONNRESET:      {10054, "WSAECONNRESET"},
	unix.EISCONN:         {10056, "WSAEISCONN"},
	unix.ENOTCONN:        {10057, "WSAENOTCONN"},
	unix.ETIMEDOUT:       {10060, "WSAETIMEDOUT"},
	unix.ECONNREFUSED:    {10061, "WSAECONNREFUSED"},
	unix.EHOSTUNREACH:    {10065, "WSAEHOSTUNREACH"},
}

// mention is what a line says of an errno's number on Windows.
func mention(no unix.Errno) string {
	if w, ok := winsocks[no]; ok {
		return fmt.Sprintf(" (Windows: %v)", w)
	}
	return ""
}
