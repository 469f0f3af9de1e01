package datagram

import "golang.org/x/sys/unix"

func setTTL4(fd int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL, 17)
}

func setTTL6(fd int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 17)
}
