package api

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// optionsAlone sets and reads the options that the tutorials and their readers
// use.
func optionsAlone(s *story, _ []netip.AddrPort) {
	t := s.socket(unix.AF_INET, unix.SOCK_STREAM, 0, buyPhone)
	s.option(t, sockTyp, tr("1 is SOCK_STREAM", "1 是 SOCK_STREAM"))
	s.option(t, acceptConn, tr("it does not listen", "它没有监听"))
	s.option(t, reuseAddr, tr("off", "关"))
	s.setOption(t, reuseAddr, 1, tr("on", "开"))
	s.option(t, reuseAddr, silent)
	bufferLengths(s, t)
	bufferSizes(s, t)
	s.say(tr("others", "其他"))
	s.setOption(t, noDelay, 1, tr("send small pieces at once (Nagle off)", "小块数据立即发送（关闭 Nagle）"))
	s.option(t, noDelay, silent)
	s.option(t, keepAlive, tr("off: a vanished peer is never missed", "关：对方消失也不会被发现"))
	s.setOption(t, keepAlive, 1, silent)
	s.option(t, keepIdle, tr("seconds of silence before the first probe: 2 hours", "首次探测前静默的秒数：2 小时"))
	s.option(t, keepIntvl, tr("seconds between probes", "两次探测间隔的秒数"))
	s.option(t, keepCount, tr("probes without an answer until ETIMEDOUT", "无应答探测几次后 ETIMEDOUT"))
	s.option(t, userTimeout, tr("0: the kernel's 15 minutes or so", "0：内核约 15 分钟"))
	s.try().option(t, noOption, tr("no such option", "没有这个选项"))
	s.close(t, silent)
	d := s.socket(unix.AF_INET, unix.SOCK_DGRAM, 0, silent)
	s.setOption(d, broadcast, 1, tr("may send to all", "可以广播"))
	s.option(d, sockTyp, tr("2 is SOCK_DGRAM", "2 是 SOCK_DGRAM"))
	s.close(d, silent)
}

// bufferLengths shows getsockopt's third argument in Python.
func bufferLengths(s *story, t int) {
	s.say(tr("getsockopt with a buffer length returns bytes", "getsockopt 带缓冲区长度时返回字节"))
	s.optionBytes(t, reuseAddr, 4, tr("an int is 4 bytes, this machine's way round", "int 是 4 字节，按本机字节序"))
	s.optionBytes(t, reuseAddr, 1, tr("a short buffer gets a part", "缓冲区短就只得一部分"))
	s.optionBytes(t, reuseAddr, 16, tr("a long one is not filled", "缓冲区长也不会填满"))
	s.setLinger(t, 5*time.Second, tr("a struct: on, 5 seconds", "结构体：开，5 秒"))
	s.optionBytes(t, linger, 8, tr("two ints", "两个 int"))
}

func bufferSizes(s *story, t int) {
	s.say(tr("buffers: the kernel doubles what is asked, for its own book-keeping", "缓冲区：内核把请求值加倍，留给自己记账"))
	s.option(t, rcvBuf, silent)
	s.setOption(t, rcvBuf, 10000, silent)
	s.option(t, rcvBuf, tr("doubled", "加倍"))
	s.option(t, sndBuf, silent)
	s.setOption(t, sndBuf, 10000, silent)
	s.option(t, sndBuf, tr("doubled", "加倍"))
	s.setOption(t, rcvBuf, 1, silent)
	s.option(t, rcvBuf, tr("the least there is", "下限"))
	s.setOption(t, sndBuf, 1, silent)
	s.option(t, sndBuf, tr("the least there is", "下限"))
	s.setOption(t, rcvBuf, 1<<30, tr("no error", "不报错"))
	s.option(t, rcvBuf, tr("twice net.core.rmem_max at most", "最多是 net.core.rmem_max 的两倍"))
}
