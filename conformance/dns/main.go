// Answers every DNS query over UDP with one made-up address: the stand-in for the suite's coredns.
//
// The suite only wants an answer; it never looks at what is in it. Arguments are coredns' own and ignored.
package main

import (
	"fmt"
	"net"
	"os"

	"github.com/miekg/dns"
)

func answer(writer dns.ResponseWriter, query *dns.Msg) {
	reply := new(dns.Msg)
	reply.SetReply(query)
	for _, question := range query.Question {
		reply.Answer = append(reply.Answer, &dns.A{
			Hdr: dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1},
			A:   net.IPv4(192, 0, 2, 1), // for documentation only
		})
	}
	if err := writer.WriteMsg(reply); err != nil {
		fmt.Fprintln(os.Stderr, "dns:", err)
	}
}

func main() {
	server := &dns.Server{Addr: ":53", Net: "udp", Handler: dns.HandlerFunc(answer)}
	fmt.Println("answering on port 53")
	if err := server.ListenAndServe(); err != nil {
		fmt.Fprintln(os.Stderr, "dns:", err)
		os.Exit(1)
	}
}
