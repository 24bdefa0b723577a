// error: 6: argument 'toSignal' of function 'verify': expected error, got int
#include "shared/types.p4"

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    state start {
        verify(true, 3);
        transition accept;
    }
}

#include "shared/ingress.p4"
#include "shared/main.p4"
