// error: 7: parameter 'meta' of control 'C' is 'inout pair_t', but 'VerifyChecksum' wants 'inout meta_t'
#include "shared/types.p4"
#include "shared/parser.p4"
#include "shared/ingress.p4"
control C(inout headers_t hdr, inout pair_t meta) { apply {} }
control D(packet_out pkt, in headers_t hdr) { apply {} }
V1Switch(MyParser(), C(), MyIngress(), MyIngress(), C(), D()) main;
