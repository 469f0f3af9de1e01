package api

import (
	"github.com/spf13/pflag"
)

// defaultPort is the port of the tutorials' first program.
const defaultPort = 50007

// topic is a script, or a pair of them that talk to each other.
type topic struct {
	name  string
	about text

	alone  *side // the same in client and server: one process, this machine
	client *side
	server *side
}

// side is what one program does in a topic.
type side struct {
	takes takes

	// script makes the script; the flags that change it are added to f.
	script func(f *pflag.FlagSet) script
}

// takes is which addresses a side is given.
type takes int

const (
	takesNothing takes = iota
	takesServer        // the server's address
	takesServers       // any number of addresses
	takesListen        // the address to listen on, or none for the default
	takesLocal         // an address of this machine, or none for loopback
	takesHost          // an IPv4 address, or none for loopback
)

// usage is what stands behind the topic in its usage line.
func (t takes) usage() string {
	switch t {
	case takesServer:
		return " ADDR"
	case takesServers:
		return " [ADDR...]"
	case takesListen, takesLocal, takesHost:
		return " [ADDR]"
	}
	return ""
}

// plain is a script without flags.
func plain(run script) func(*pflag.FlagSet) script {
	return func(*pflag.FlagSet) script { return run }
}

// pair is a topic in which a client talks to a server.
func pair(name string, about text, client, server script) topic {
	return topic{
		name: name, about: about,
		client: &side{takes: takesServer, script: plain(client)},
		server: &side{takes: takesListen, script: plain(server)},
	}
}

// single is a topic of one process.
func single(name string, about text, t takes, run script) topic {
	return topic{name: name, about: about, alone: &side{takes: t, script: plain(run)}}
}

// topics are all topics, in the order in which they are best read.
func topics() []topic {
	return []topic{
		pair("tcp", tr("the basic conversation", "基本的通话"), tcpClient, tcpServer),
		pair("udp", tr("datagrams: no call, only letters", "数据报：不打电话，只寄信"), udpClient, udpServer),
		pair("names", tr("getsockname, getpeername, fileno", "getsockname、getpeername、fileno"), namesClient, namesServer),
		connectErrors(),
		single("errors", tr("the errors that a reader meets, each with its cause", "常见错误，逐个给出原因"), takesNothing, errorsAlone),
		single("types", tr("families, types and protocols, also those that are refused", "地址族、类型与协议，包括被拒绝的"), takesNothing, typesAlone),
		single("raw", tr("a raw socket and what it needs", "原始套接字和它所需的权限"), takesHost, rawAlone),
		single("options", tr("setsockopt and getsockopt", "setsockopt 与 getsockopt"), takesNothing, optionsAlone),
		pair("non-blocking", tr("EAGAIN, EINPROGRESS, poll, settimeout", "EAGAIN、EINPROGRESS、poll、settimeout"), nonBlockingClient, nonBlockingServer),
		pair("loop", tr("one loop round poll serves many callers", "一个套着 poll 的循环接待许多来电"), loopClient, loopServer),
		pair("stream", tr("one send is not one recv", "一次 send 不等于一次 recv"), streamClient, streamServer),
		pair("flags", tr("MSG_PEEK, MSG_WAITALL, MSG_DONTWAIT", "MSG_PEEK、MSG_WAITALL、MSG_DONTWAIT"), flagsClient, flagsServer),
		pair("makefile", tr("lines, read through a buffer", "经缓冲区按行读取"), makefileClient, makefileServer),
		pair("buffers", tr("where bytes wait: send that takes less, and that blocks", "字节在哪里等待：只收下一部分的 send 与阻塞的 send"), buffersClient, buffersServer),
		halfClose(),
		pair("close", tr("who closes first, TIME_WAIT, RST", "谁先关闭、TIME_WAIT、RST"), closeClient, closeServer),
		pair("segments", tr("in how many segments a connection ends", "连接结束用几个报文段"), segmentsClient, segmentsServer),
		single("reuse", tr("TIME_WAIT and SO_REUSEADDR", "TIME_WAIT 与 SO_REUSEADDR"), takesLocal, reuseAlone),
		backlog(),
		vanished(),
		pair("checksum", tr("UDP has a checksum", "UDP 有校验和"), checksumClient, checksumServer),
	}
}
