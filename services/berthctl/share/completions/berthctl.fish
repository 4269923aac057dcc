# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_berthctl_global_optspecs
    string join \n url= token-file= context= o/output= json y/yes show-secrets secrets-to= key= retry-for= color= h/help V/version
end

function __fish_berthctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_berthctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_berthctl_using_subcommand
    set -l cmd (__fish_berthctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c berthctl -n "__fish_berthctl_needs_command" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_needs_command" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_needs_command" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_needs_command" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_needs_command" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_needs_command" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_needs_command" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_needs_command" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_needs_command" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_needs_command" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_needs_command" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_needs_command" -s V -l version -d 'Print version'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "instance" -d 'Make, link, log out, watch and delete instances'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "instances" -d 'Make, link, log out, watch and delete instances'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "events" -d 'Show what happened to an instance, and with -f what happens'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "audit" -d 'Search what happened to instances, by who asked for it, through which door, what and when'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "verify" -d 'Check that histories are as they were written'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "checkpoint" -d 'Show what is signed about the log, and prove that nothing before was changed'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "checkpoints" -d 'Show what is signed about the log, and prove that nothing before was changed'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "proof" -d 'Prove that a commit of an instance is in what was signed'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "export" -d 'Write histories as lines of JSON, each commit with the proof that it is in what was signed'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "webhook" -d 'Configure who is told of an instance'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "webhooks" -d 'Configure who is told of an instance'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "delivery" -d 'Show what all webhooks of the account were sent, and send it again'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "deliveries" -d 'Show what all webhooks of the account were sent, and send it again'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "listen" -d 'Receive notices here and check their signatures'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "account" -d 'Manage accounts; with the root key'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "accounts" -d 'Manage accounts; with the root key'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "cluster" -d 'Show the processes of the deployment, and who does whose work; with the root key'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "upstream" -d 'Show gateways that run already, and take over what is on them; with the root key'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "upstreams" -d 'Show gateways that run already, and take over what is on them; with the root key'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "status" -d 'Show whether Berth serves, and what of it does not'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "whoami" -d 'Show whose token is sent'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "check" -d 'Say in one line and in the exit code whether all is well; for monitors'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "doctor" -d 'Look for what is wrong with the connection, the token, the clocks and the deployment'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "simulate" -d 'Play the phone or the network of an instance; only with the simulated driver'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "context" -d 'Keep addresses and tokens under names'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "contexts" -d 'Keep addresses and tokens under names'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "completions" -d 'Print the completions for a shell'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "generate" -d 'Write completions and manual pages into a folder'
complete -c berthctl -n "__fish_berthctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "list" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "counts" -d 'Show how many are in each state'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "get" -d 'Show one, now or as it was'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "show" -d 'Show one, now or as it was'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "create" -d 'Make one'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "connect" -d 'Link a device: draws the QR code and waits for the scan'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "qr" -d 'Show or save the code that can be scanned now'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "logout" -d 'End the session and unlink the device; the instance stays'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "disconnect" -d 'Close the connection and keep the link'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "reconnect" -d 'Open the connection of a link that there is'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "restart" -d 'Close the connection and open it again'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "rename" -d 'Give one another name'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "rotate-token" -d 'Give one another token'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "rm" -d 'Delete them and erase their personal data'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "delete" -d 'Delete them and erase their personal data'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "watch" -d 'Tell of each change of one, until it is as wanted'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from ls" -l state -d 'Only those in one of these states, separated by commas' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from ls" -s s -l search -d 'Only those with this text in their name, number, phone or person\'s name' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from ls" -s n -l limit -d 'At most so many; all if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from ls" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from ls" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from ls" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from ls" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from ls" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from ls" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from ls" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from ls" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from ls" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from ls" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from list" -l state -d 'Only those in one of these states, separated by commas' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from list" -s s -l search -d 'Only those with this text in their name, number, phone or person\'s name' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from list" -s n -l limit -d 'At most so many; all if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from list" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from list" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from list" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from list" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from list" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from list" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from list" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from list" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from list" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from counts" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from counts" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from counts" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from counts" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from counts" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from counts" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from counts" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from counts" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from counts" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from counts" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from counts" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from counts" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from get" -l at -d 'Show it as it was at this moment, such as 2026-11-21T12:00:00Z' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from get" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from get" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from get" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from get" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from get" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from get" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from get" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from get" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from get" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from get" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from get" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from show" -l at -d 'Show it as it was at this moment, such as 2026-11-21T12:00:00Z' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from show" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from show" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from show" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from show" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from show" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from show" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from show" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from show" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from show" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from show" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from show" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from create" -l webhook -d 'Where its notices are sent; may be given more than once' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from create" -l own-token-file -d 'A file with the token that it shall have; made up if it is left out' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from create" -l settings -d 'Settings that are kept with it, as JSON' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from create" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from create" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from create" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from create" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from create" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from create" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from create" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from create" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from create" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from create" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from create" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -l phone -d 'Ask for a code to type on the phone with these digits, instead of a QR code' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -l png -d 'Save the picture of each QR code in this file instead of drawing it' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -l invert -d 'Draw for a terminal that is light and has no colours'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -l no-wait -d 'Show the first code and end'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from connect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from qr" -l png -d 'Save the picture in this file instead of drawing it' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from qr" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from qr" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from qr" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from qr" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from qr" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from qr" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from qr" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from qr" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from qr" -l invert -d 'Draw for a terminal that is light and has no colours'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from qr" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from qr" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from qr" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from qr" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from logout" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from logout" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from logout" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from logout" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from logout" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from logout" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from logout" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from logout" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from logout" -l wait -d 'Wait until the device is unlinked, for half a minute at most'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from logout" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from logout" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from logout" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from disconnect" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from disconnect" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from disconnect" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from disconnect" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from disconnect" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from disconnect" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from disconnect" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from disconnect" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from disconnect" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from disconnect" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from disconnect" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from disconnect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from reconnect" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from reconnect" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from reconnect" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from reconnect" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from reconnect" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from reconnect" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from reconnect" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from reconnect" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from reconnect" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from reconnect" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from reconnect" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from reconnect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from restart" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from restart" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from restart" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from restart" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from restart" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from restart" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from restart" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from restart" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from restart" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from restart" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from restart" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from restart" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rename" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rename" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rename" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rename" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rename" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rename" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rename" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rename" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rename" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rename" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rename" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rotate-token" -l own-token-file -d 'A file with the token that it shall have; made up if it is left out' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rotate-token" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rotate-token" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rotate-token" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rotate-token" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rotate-token" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rotate-token" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rotate-token" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rotate-token" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rotate-token" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rotate-token" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rotate-token" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rotate-token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rm" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rm" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rm" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rm" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rm" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rm" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rm" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rm" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rm" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rm" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rm" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from delete" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from delete" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from delete" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from delete" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from delete" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from delete" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from delete" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from delete" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from delete" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from delete" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from delete" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from watch" -l until -d 'End as soon as it is in one of these states, separated by commas; `open` is a link whose connection is open' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from watch" -l for -d 'End after so many seconds; with --until that is a failure' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from watch" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from watch" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from watch" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from watch" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from watch" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from watch" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from watch" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from watch" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from watch" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from watch" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from watch" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from help" -f -a "counts" -d 'Show how many are in each state'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from help" -f -a "get" -d 'Show one, now or as it was'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make one'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from help" -f -a "connect" -d 'Link a device: draws the QR code and waits for the scan'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from help" -f -a "qr" -d 'Show or save the code that can be scanned now'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from help" -f -a "logout" -d 'End the session and unlink the device; the instance stays'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from help" -f -a "disconnect" -d 'Close the connection and keep the link'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from help" -f -a "reconnect" -d 'Open the connection of a link that there is'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from help" -f -a "restart" -d 'Close the connection and open it again'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from help" -f -a "rename" -d 'Give one another name'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from help" -f -a "rotate-token" -d 'Give one another token'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Delete them and erase their personal data'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from help" -f -a "watch" -d 'Tell of each change of one, until it is as wanted'
complete -c berthctl -n "__fish_berthctl_using_subcommand instance; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "list" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "counts" -d 'Show how many are in each state'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "get" -d 'Show one, now or as it was'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "show" -d 'Show one, now or as it was'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "create" -d 'Make one'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "connect" -d 'Link a device: draws the QR code and waits for the scan'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "qr" -d 'Show or save the code that can be scanned now'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "logout" -d 'End the session and unlink the device; the instance stays'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "disconnect" -d 'Close the connection and keep the link'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "reconnect" -d 'Open the connection of a link that there is'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "restart" -d 'Close the connection and open it again'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "rename" -d 'Give one another name'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "rotate-token" -d 'Give one another token'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "rm" -d 'Delete them and erase their personal data'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "delete" -d 'Delete them and erase their personal data'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "watch" -d 'Tell of each change of one, until it is as wanted'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and not __fish_seen_subcommand_from ls list counts get show create connect qr logout disconnect reconnect restart rename rotate-token rm delete watch help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from ls" -l state -d 'Only those in one of these states, separated by commas' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from ls" -s s -l search -d 'Only those with this text in their name, number, phone or person\'s name' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from ls" -s n -l limit -d 'At most so many; all if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from ls" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from ls" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from ls" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from ls" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from ls" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from ls" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from ls" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from ls" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from ls" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from ls" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from list" -l state -d 'Only those in one of these states, separated by commas' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from list" -s s -l search -d 'Only those with this text in their name, number, phone or person\'s name' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from list" -s n -l limit -d 'At most so many; all if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from list" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from list" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from list" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from list" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from list" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from list" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from list" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from list" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from list" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from counts" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from counts" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from counts" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from counts" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from counts" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from counts" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from counts" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from counts" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from counts" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from counts" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from counts" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from counts" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from get" -l at -d 'Show it as it was at this moment, such as 2026-11-21T12:00:00Z' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from get" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from get" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from get" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from get" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from get" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from get" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from get" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from get" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from get" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from get" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from get" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from show" -l at -d 'Show it as it was at this moment, such as 2026-11-21T12:00:00Z' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from show" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from show" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from show" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from show" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from show" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from show" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from show" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from show" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from show" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from show" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from show" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from create" -l webhook -d 'Where its notices are sent; may be given more than once' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from create" -l own-token-file -d 'A file with the token that it shall have; made up if it is left out' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from create" -l settings -d 'Settings that are kept with it, as JSON' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from create" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from create" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from create" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from create" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from create" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from create" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from create" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from create" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from create" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from create" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from create" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -l phone -d 'Ask for a code to type on the phone with these digits, instead of a QR code' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -l png -d 'Save the picture of each QR code in this file instead of drawing it' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -l invert -d 'Draw for a terminal that is light and has no colours'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -l no-wait -d 'Show the first code and end'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from connect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from qr" -l png -d 'Save the picture in this file instead of drawing it' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from qr" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from qr" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from qr" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from qr" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from qr" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from qr" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from qr" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from qr" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from qr" -l invert -d 'Draw for a terminal that is light and has no colours'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from qr" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from qr" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from qr" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from qr" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from logout" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from logout" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from logout" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from logout" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from logout" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from logout" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from logout" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from logout" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from logout" -l wait -d 'Wait until the device is unlinked, for half a minute at most'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from logout" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from logout" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from logout" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from disconnect" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from disconnect" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from disconnect" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from disconnect" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from disconnect" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from disconnect" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from disconnect" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from disconnect" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from disconnect" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from disconnect" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from disconnect" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from disconnect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from reconnect" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from reconnect" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from reconnect" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from reconnect" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from reconnect" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from reconnect" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from reconnect" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from reconnect" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from reconnect" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from reconnect" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from reconnect" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from reconnect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from restart" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from restart" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from restart" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from restart" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from restart" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from restart" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from restart" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from restart" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from restart" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from restart" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from restart" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from restart" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rename" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rename" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rename" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rename" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rename" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rename" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rename" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rename" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rename" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rename" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rename" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rotate-token" -l own-token-file -d 'A file with the token that it shall have; made up if it is left out' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rotate-token" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rotate-token" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rotate-token" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rotate-token" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rotate-token" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rotate-token" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rotate-token" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rotate-token" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rotate-token" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rotate-token" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rotate-token" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rotate-token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rm" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rm" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rm" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rm" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rm" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rm" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rm" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rm" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rm" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rm" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rm" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from delete" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from delete" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from delete" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from delete" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from delete" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from delete" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from delete" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from delete" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from delete" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from delete" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from delete" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from watch" -l until -d 'End as soon as it is in one of these states, separated by commas; `open` is a link whose connection is open' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from watch" -l for -d 'End after so many seconds; with --until that is a failure' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from watch" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from watch" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from watch" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from watch" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from watch" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from watch" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from watch" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from watch" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from watch" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from watch" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from watch" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from help" -f -a "counts" -d 'Show how many are in each state'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from help" -f -a "get" -d 'Show one, now or as it was'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make one'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from help" -f -a "connect" -d 'Link a device: draws the QR code and waits for the scan'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from help" -f -a "qr" -d 'Show or save the code that can be scanned now'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from help" -f -a "logout" -d 'End the session and unlink the device; the instance stays'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from help" -f -a "disconnect" -d 'Close the connection and keep the link'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from help" -f -a "reconnect" -d 'Open the connection of a link that there is'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from help" -f -a "restart" -d 'Close the connection and open it again'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from help" -f -a "rename" -d 'Give one another name'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from help" -f -a "rotate-token" -d 'Give one another token'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Delete them and erase their personal data'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from help" -f -a "watch" -d 'Tell of each change of one, until it is as wanted'
complete -c berthctl -n "__fish_berthctl_using_subcommand instances; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand events" -l after -d 'Begin after this version of the history' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand events" -s n -l last -d 'Begin so many versions before its end' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand events" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand events" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand events" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand events" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand events" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand events" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand events" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand events" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand events" -s f -l follow -d 'Go on with what happens from now on'
complete -c berthctl -n "__fish_berthctl_using_subcommand events" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand events" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand events" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand events" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l account -d 'Only what the instances of this account had; with the root key' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l actor -d 'Only what one of these asked for' -r -f -a "root\t'The operator, with the root key'
account\t'An account, with its token'
instance\t'An instance, with its token'
service\t'A service of Berth'"
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l door -d 'Only what came through one of these doors: native, console, a dialect, connector, sweeper' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l about -d 'Only what happened to these; else to instances and accounts' -r -f -a "instance\t'An instance'
account\t'An account itself'
directory\t'A name, token, number or foreign id; with the root key'"
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l type -d 'Only events of these types, such as `LoggedOut`' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l from -d 'Only what happened at this moment or later, such as 2026-11-21T12:00:00Z' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l to -d 'Only what happened before this moment' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -s n -l limit -d 'Events at most; 0 is all of them' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand audit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand verify" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand verify" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand verify" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand verify" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand verify" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand verify" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand verify" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand verify" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand verify" -l all -d 'All instances that the token may see'
complete -c berthctl -n "__fish_berthctl_using_subcommand verify" -l deleted -d 'Those that are deleted too'
complete -c berthctl -n "__fish_berthctl_using_subcommand verify" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand verify" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand verify" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -f -a "ls" -d 'Show the last checkpoint of each shard, and with -o json the keys that sign'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -f -a "list" -d 'Show the last checkpoint of each shard, and with -o json the keys that sign'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -f -a "log" -d 'List all checkpoints of a shard'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -f -a "prove" -d 'Prove that a later tree of a shard begins with an earlier one'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and not __fish_seen_subcommand_from ls list log prove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from ls" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from ls" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from ls" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from ls" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from ls" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from ls" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from ls" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from ls" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from ls" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from ls" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from list" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from list" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from list" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from list" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from list" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from list" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from list" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from list" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from list" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from log" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from log" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from log" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from log" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from log" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from log" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from log" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from log" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from log" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from log" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from log" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from log" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from prove" -l from -d 'How many commits the earlier tree has' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from prove" -l to -d 'How many commits the later tree has' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from prove" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from prove" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from prove" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from prove" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from prove" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from prove" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from prove" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from prove" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from prove" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from prove" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from prove" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from prove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from help" -f -a "ls" -d 'Show the last checkpoint of each shard, and with -o json the keys that sign'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from help" -f -a "log" -d 'List all checkpoints of a shard'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from help" -f -a "prove" -d 'Prove that a later tree of a shard begins with an earlier one'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoint; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -f -a "ls" -d 'Show the last checkpoint of each shard, and with -o json the keys that sign'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -f -a "list" -d 'Show the last checkpoint of each shard, and with -o json the keys that sign'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -f -a "log" -d 'List all checkpoints of a shard'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -f -a "prove" -d 'Prove that a later tree of a shard begins with an earlier one'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and not __fish_seen_subcommand_from ls list log prove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from ls" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from ls" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from ls" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from ls" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from ls" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from ls" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from ls" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from ls" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from ls" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from ls" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from list" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from list" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from list" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from list" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from list" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from list" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from list" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from list" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from list" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from log" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from log" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from log" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from log" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from log" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from log" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from log" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from log" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from log" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from log" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from log" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from log" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from prove" -l from -d 'How many commits the earlier tree has' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from prove" -l to -d 'How many commits the later tree has' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from prove" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from prove" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from prove" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from prove" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from prove" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from prove" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from prove" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from prove" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from prove" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from prove" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from prove" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from prove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from help" -f -a "ls" -d 'Show the last checkpoint of each shard, and with -o json the keys that sign'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from help" -f -a "log" -d 'List all checkpoints of a shard'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from help" -f -a "prove" -d 'Prove that a later tree of a shard begins with an earlier one'
complete -c berthctl -n "__fish_berthctl_using_subcommand checkpoints; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand proof" -l version -d 'The version of the commit; the last one if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand proof" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand proof" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand proof" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand proof" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand proof" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand proof" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand proof" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand proof" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand proof" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand proof" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand proof" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand proof" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand export" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand export" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand export" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand export" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand export" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand export" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand export" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand export" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand export" -l all -d 'All instances that the token may see'
complete -c berthctl -n "__fish_berthctl_using_subcommand export" -l deleted -d 'Those that are deleted too'
complete -c berthctl -n "__fish_berthctl_using_subcommand export" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand export" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand export" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "list" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "get" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "show" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "add" -d 'Add one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "set" -d 'Change one; what is left out stays, its secret too'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "rm" -d 'Remove one; what waits for it is cancelled'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "delete" -d 'Remove one; what waits for it is cancelled'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "deliveries" -d 'List what one was sent and what came of it; or show one delivery with its attempts'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "resend" -d 'Send one delivery again, whatever became of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "retry" -d 'Try now what waits'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "recover" -d 'Send again what was given up since a moment, in order'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "test" -d 'Send one a notice that says nothing, and say what came of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "secret" -d 'Show the signing secrets of one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "rotate" -d 'Change the signing secret of one; the former one signs beside it for a while'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "account" -d 'The webhooks of the account: each is told of all its instances, those to come included'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from ls" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from ls" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from ls" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from ls" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from ls" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from ls" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from ls" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from ls" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from ls" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from ls" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from list" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from list" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from list" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from list" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from list" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from list" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from list" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from list" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from list" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from get" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from get" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from get" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from get" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from get" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from get" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from get" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from get" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from get" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from get" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from get" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from show" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from show" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from show" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from show" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from show" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from show" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from show" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from show" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from show" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from show" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from show" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l format -d 'Whose bodies are sent' -r -f -a "native\t''
evolution\t''
ryze\t''
codechat\t''
mega\t''
green\t''
evolution-go\t''"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l event -d 'An event that it wants, in the words of its format; may be given more than once, all if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l header -d 'A header of its own; may be given more than once' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l authorization-file -d 'A file with the value of its `Authorization` header' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l after-logout -d 'What it is told between a logout and the next link: nothing but codes, or everything' -r -f -a "silent\t''
all\t''"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l rate -d 'How many notices it is sent in a second at most, from 1 to 1,000; 0 is without a bound of its own' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l concurrency -d 'How many notices it is sent at the same time at most, from 1 to 192; 0 is without a bound of its own' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l retries -d 'How long after a failure a notice is tried again, one after the other, such as 10s,1m,10m; `none` is one attempt, `usual` are the delays of every webhook' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l label -d 'A text of your own' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l secret-file -d 'A file with the signing secret that it shall have; made up if it is left out' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l disabled -d 'Send it nothing yet'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l to -d 'Where notices are sent' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l event -d 'An event that it wants, in the words of its format; may be given more than once, all if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l header -d 'A header of its own; may be given more than once' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l authorization-file -d 'A file with the value of its `Authorization` header' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l after-logout -d 'What it is told between a logout and the next link: nothing but codes, or everything' -r -f -a "silent\t''
all\t''"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l rate -d 'How many notices it is sent in a second at most, from 1 to 1,000; 0 is without a bound of its own' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l concurrency -d 'How many notices it is sent at the same time at most, from 1 to 192; 0 is without a bound of its own' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l retries -d 'How long after a failure a notice is tried again, one after the other, such as 10s,1m,10m; `none` is one attempt, `usual` are the delays of every webhook' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l label -d 'A text of your own' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l all-events -d 'Send it every event of its format'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l enable -d 'Send it notices again'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l disable -d 'Send it nothing any more'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rm" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rm" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rm" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rm" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rm" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rm" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rm" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rm" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rm" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rm" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rm" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from delete" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from delete" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from delete" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from delete" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from delete" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from delete" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from delete" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from delete" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from delete" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from delete" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from delete" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -l state -d 'How they stand: waiting, delivered, exhausted, superseded, expired, `cancelled_by_logout`, `cancelled_by_delete`, `cancelled_by_endpoint`; may be given more than once' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -l since -d 'About what happened since then: a moment, or how long ago, such as 20h' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -l until -d 'About what happened before then' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -l limit -d 'How many, the newest' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from deliveries" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from resend" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from resend" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from resend" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from resend" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from resend" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from resend" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from resend" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from resend" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from resend" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from resend" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from resend" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from resend" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from retry" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from retry" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from retry" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from retry" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from retry" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from retry" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from retry" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from retry" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from retry" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from retry" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from retry" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from retry" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from recover" -l since -d 'About what happened since then: a moment, or how long ago, such as 20h; at most 14 days' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from recover" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from recover" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from recover" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from recover" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from recover" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from recover" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from recover" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from recover" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from recover" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from recover" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from recover" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from recover" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from test" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from test" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from test" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from test" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from test" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from test" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from test" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from test" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from test" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from test" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from test" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from secret" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from secret" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from secret" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from secret" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from secret" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from secret" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from secret" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from secret" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from secret" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from secret" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from secret" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from secret" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rotate" -l secret-file -d 'A file with the new one; made up if it is left out' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rotate" -l overlap-hours -d 'For how many hours the former one signs beside it, 168 at most; with 0 it ends at once' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rotate" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rotate" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rotate" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rotate" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rotate" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rotate" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rotate" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rotate" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rotate" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rotate" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rotate" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -f -a "list" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -f -a "get" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -f -a "show" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -f -a "add" -d 'Add one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -f -a "set" -d 'Change one; what is left out stays, its secret too'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -f -a "rm" -d 'Remove one; what waits for it is cancelled'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -f -a "delete" -d 'Remove one; what waits for it is cancelled'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -f -a "deliveries" -d 'List what one was sent about all instances. `berthctl webhook resend` sends one of these again'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -f -a "test" -d 'Send one a notice that says nothing, and say what came of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -f -a "secret" -d 'Show the signing secrets of one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -f -a "rotate" -d 'Change the signing secret of one; the former one signs beside it for a while'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from account" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from help" -f -a "get" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from help" -f -a "set" -d 'Change one; what is left out stays, its secret too'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Remove one; what waits for it is cancelled'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from help" -f -a "deliveries" -d 'List what one was sent and what came of it; or show one delivery with its attempts'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from help" -f -a "resend" -d 'Send one delivery again, whatever became of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from help" -f -a "retry" -d 'Try now what waits'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from help" -f -a "recover" -d 'Send again what was given up since a moment, in order'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from help" -f -a "test" -d 'Send one a notice that says nothing, and say what came of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from help" -f -a "secret" -d 'Show the signing secrets of one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from help" -f -a "rotate" -d 'Change the signing secret of one; the former one signs beside it for a while'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from help" -f -a "account" -d 'The webhooks of the account: each is told of all its instances, those to come included'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhook; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "list" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "get" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "show" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "add" -d 'Add one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "set" -d 'Change one; what is left out stays, its secret too'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "rm" -d 'Remove one; what waits for it is cancelled'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "delete" -d 'Remove one; what waits for it is cancelled'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "deliveries" -d 'List what one was sent and what came of it; or show one delivery with its attempts'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "resend" -d 'Send one delivery again, whatever became of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "retry" -d 'Try now what waits'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "recover" -d 'Send again what was given up since a moment, in order'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "test" -d 'Send one a notice that says nothing, and say what came of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "secret" -d 'Show the signing secrets of one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "rotate" -d 'Change the signing secret of one; the former one signs beside it for a while'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "account" -d 'The webhooks of the account: each is told of all its instances, those to come included'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and not __fish_seen_subcommand_from ls list get show add set rm delete deliveries resend retry recover test secret rotate account help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from ls" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from ls" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from ls" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from ls" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from ls" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from ls" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from ls" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from ls" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from ls" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from ls" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from list" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from list" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from list" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from list" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from list" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from list" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from list" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from list" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from list" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from get" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from get" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from get" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from get" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from get" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from get" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from get" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from get" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from get" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from get" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from get" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from show" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from show" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from show" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from show" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from show" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from show" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from show" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from show" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from show" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from show" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from show" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l format -d 'Whose bodies are sent' -r -f -a "native\t''
evolution\t''
ryze\t''
codechat\t''
mega\t''
green\t''
evolution-go\t''"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l event -d 'An event that it wants, in the words of its format; may be given more than once, all if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l header -d 'A header of its own; may be given more than once' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l authorization-file -d 'A file with the value of its `Authorization` header' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l after-logout -d 'What it is told between a logout and the next link: nothing but codes, or everything' -r -f -a "silent\t''
all\t''"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l rate -d 'How many notices it is sent in a second at most, from 1 to 1,000; 0 is without a bound of its own' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l concurrency -d 'How many notices it is sent at the same time at most, from 1 to 192; 0 is without a bound of its own' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l retries -d 'How long after a failure a notice is tried again, one after the other, such as 10s,1m,10m; `none` is one attempt, `usual` are the delays of every webhook' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l label -d 'A text of your own' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l secret-file -d 'A file with the signing secret that it shall have; made up if it is left out' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l disabled -d 'Send it nothing yet'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l to -d 'Where notices are sent' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l event -d 'An event that it wants, in the words of its format; may be given more than once, all if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l header -d 'A header of its own; may be given more than once' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l authorization-file -d 'A file with the value of its `Authorization` header' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l after-logout -d 'What it is told between a logout and the next link: nothing but codes, or everything' -r -f -a "silent\t''
all\t''"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l rate -d 'How many notices it is sent in a second at most, from 1 to 1,000; 0 is without a bound of its own' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l concurrency -d 'How many notices it is sent at the same time at most, from 1 to 192; 0 is without a bound of its own' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l retries -d 'How long after a failure a notice is tried again, one after the other, such as 10s,1m,10m; `none` is one attempt, `usual` are the delays of every webhook' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l label -d 'A text of your own' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l all-events -d 'Send it every event of its format'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l enable -d 'Send it notices again'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l disable -d 'Send it nothing any more'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rm" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rm" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rm" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rm" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rm" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rm" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rm" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rm" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rm" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rm" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rm" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from delete" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from delete" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from delete" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from delete" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from delete" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from delete" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from delete" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from delete" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from delete" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from delete" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from delete" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -l state -d 'How they stand: waiting, delivered, exhausted, superseded, expired, `cancelled_by_logout`, `cancelled_by_delete`, `cancelled_by_endpoint`; may be given more than once' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -l since -d 'About what happened since then: a moment, or how long ago, such as 20h' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -l until -d 'About what happened before then' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -l limit -d 'How many, the newest' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from deliveries" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from resend" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from resend" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from resend" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from resend" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from resend" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from resend" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from resend" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from resend" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from resend" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from resend" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from resend" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from resend" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from retry" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from retry" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from retry" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from retry" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from retry" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from retry" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from retry" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from retry" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from retry" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from retry" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from retry" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from retry" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from recover" -l since -d 'About what happened since then: a moment, or how long ago, such as 20h; at most 14 days' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from recover" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from recover" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from recover" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from recover" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from recover" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from recover" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from recover" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from recover" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from recover" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from recover" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from recover" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from recover" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from test" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from test" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from test" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from test" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from test" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from test" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from test" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from test" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from test" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from test" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from test" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from secret" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from secret" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from secret" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from secret" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from secret" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from secret" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from secret" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from secret" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from secret" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from secret" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from secret" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from secret" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rotate" -l secret-file -d 'A file with the new one; made up if it is left out' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rotate" -l overlap-hours -d 'For how many hours the former one signs beside it, 168 at most; with 0 it ends at once' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rotate" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rotate" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rotate" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rotate" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rotate" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rotate" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rotate" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rotate" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rotate" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rotate" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rotate" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -f -a "list" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -f -a "get" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -f -a "show" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -f -a "add" -d 'Add one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -f -a "set" -d 'Change one; what is left out stays, its secret too'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -f -a "rm" -d 'Remove one; what waits for it is cancelled'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -f -a "delete" -d 'Remove one; what waits for it is cancelled'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -f -a "deliveries" -d 'List what one was sent about all instances. `berthctl webhook resend` sends one of these again'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -f -a "test" -d 'Send one a notice that says nothing, and say what came of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -f -a "secret" -d 'Show the signing secrets of one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -f -a "rotate" -d 'Change the signing secret of one; the former one signs beside it for a while'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from account" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from help" -f -a "get" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from help" -f -a "set" -d 'Change one; what is left out stays, its secret too'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Remove one; what waits for it is cancelled'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from help" -f -a "deliveries" -d 'List what one was sent and what came of it; or show one delivery with its attempts'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from help" -f -a "resend" -d 'Send one delivery again, whatever became of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from help" -f -a "retry" -d 'Try now what waits'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from help" -f -a "recover" -d 'Send again what was given up since a moment, in order'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from help" -f -a "test" -d 'Send one a notice that says nothing, and say what came of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from help" -f -a "secret" -d 'Show the signing secrets of one'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from help" -f -a "rotate" -d 'Change the signing secret of one; the former one signs beside it for a while'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from help" -f -a "account" -d 'The webhooks of the account: each is told of all its instances, those to come included'
complete -c berthctl -n "__fish_berthctl_using_subcommand webhooks; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -f -a "ls" -d 'List what was sent, and what came of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -f -a "list" -d 'List what was sent, and what came of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -f -a "recover" -d 'Send again what was given up since a moment, to every enabled webhook'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and not __fish_seen_subcommand_from ls list recover help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -l instance -d 'The id, name or number of one instance' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -l state -d 'How they stand: waiting, delivered, exhausted, superseded, expired, `cancelled_by_logout`, `cancelled_by_delete`, `cancelled_by_endpoint`; may be given more than once' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -l since -d 'About what happened since then: a moment, or how long ago, such as 20h' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -l until -d 'About what happened before then' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -l limit -d 'How many, the newest' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -l instance -d 'The id, name or number of one instance' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -l state -d 'How they stand: waiting, delivered, exhausted, superseded, expired, `cancelled_by_logout`, `cancelled_by_delete`, `cancelled_by_endpoint`; may be given more than once' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -l since -d 'About what happened since then: a moment, or how long ago, such as 20h' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -l until -d 'About what happened before then' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -l limit -d 'How many, the newest' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from recover" -l since -d 'About what happened since then: a moment, or how long ago, such as 20h; at most 14 days' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from recover" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from recover" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from recover" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from recover" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from recover" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from recover" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from recover" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from recover" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from recover" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from recover" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from recover" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from recover" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List what was sent, and what came of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from help" -f -a "recover" -d 'Send again what was given up since a moment, to every enabled webhook'
complete -c berthctl -n "__fish_berthctl_using_subcommand delivery; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -f -a "ls" -d 'List what was sent, and what came of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -f -a "list" -d 'List what was sent, and what came of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -f -a "recover" -d 'Send again what was given up since a moment, to every enabled webhook'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and not __fish_seen_subcommand_from ls list recover help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -l instance -d 'The id, name or number of one instance' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -l state -d 'How they stand: waiting, delivered, exhausted, superseded, expired, `cancelled_by_logout`, `cancelled_by_delete`, `cancelled_by_endpoint`; may be given more than once' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -l since -d 'About what happened since then: a moment, or how long ago, such as 20h' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -l until -d 'About what happened before then' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -l limit -d 'How many, the newest' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l instance -d 'The id, name or number of one instance' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l state -d 'How they stand: waiting, delivered, exhausted, superseded, expired, `cancelled_by_logout`, `cancelled_by_delete`, `cancelled_by_endpoint`; may be given more than once' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l since -d 'About what happened since then: a moment, or how long ago, such as 20h' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l until -d 'About what happened before then' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l limit -d 'How many, the newest' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from recover" -l since -d 'About what happened since then: a moment, or how long ago, such as 20h; at most 14 days' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from recover" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from recover" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from recover" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from recover" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from recover" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from recover" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from recover" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from recover" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from recover" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from recover" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from recover" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from recover" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List what was sent, and what came of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from help" -f -a "recover" -d 'Send again what was given up since a moment, to every enabled webhook'
complete -c berthctl -n "__fish_berthctl_using_subcommand deliveries; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -s p -l port -d 'The port to listen at; a free one if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -l address -d 'The address to listen at' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -l public-url -d 'The URL under which Berth reaches this' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -l secret-file -d 'A file with the signing secret of an endpoint that there is, or several, a line each (or `BERTHCTL_WEBHOOK_SECRET`)' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -l event -d 'An event that the webhook wants; may be given more than once, all if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -s n -l count -d 'End after so many notices that were genuine' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand listen" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "list" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "get" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "show" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "create" -d 'Make one; its token is shown once'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "set" -d 'Give one another name or other attributes'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "rotate-token" -d 'Give one another token; the old one ends at once'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "move" -d 'Give an instance to an account, with its token, number, session and history'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "close" -d 'Close one: its token ends at once, its instances are deleted, its data key is destroyed'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from ls" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from ls" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from ls" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from ls" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from ls" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from ls" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from ls" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from ls" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from ls" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from ls" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from list" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from list" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from list" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from list" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from list" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from list" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from list" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from list" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from list" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from get" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from get" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from get" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from get" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from get" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from get" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from get" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from get" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from get" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from get" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from get" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from show" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from show" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from show" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from show" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from show" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from show" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from show" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from show" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from show" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from show" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from show" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from create" -l attributes -d 'Any JSON that is kept with it' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from create" -l own-token-file -d 'A file with the token that it shall have; made up if it is left out' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from create" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from create" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from create" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from create" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from create" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from create" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from create" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from create" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from create" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from create" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from create" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from set" -l name -d 'Its new name' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from set" -l attributes -d 'Any JSON that is kept with it; null keeps none' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from set" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from set" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from set" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from set" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from set" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from set" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from set" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from set" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from set" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from set" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from set" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from rotate-token" -l own-token-file -d 'A file with the token that it shall have; made up if it is left out' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from rotate-token" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from rotate-token" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from rotate-token" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from rotate-token" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from rotate-token" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from rotate-token" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from rotate-token" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from rotate-token" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from rotate-token" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from rotate-token" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from rotate-token" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from rotate-token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from move" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from move" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from move" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from move" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from move" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from move" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from move" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from move" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from move" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from move" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from move" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from move" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from close" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from close" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from close" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from close" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from close" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from close" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from close" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from close" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from close" -l force -d 'Also if it has instances, which are deleted'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from close" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from close" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from close" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from close" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from help" -f -a "get" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make one; its token is shown once'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from help" -f -a "set" -d 'Give one another name or other attributes'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from help" -f -a "rotate-token" -d 'Give one another token; the old one ends at once'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from help" -f -a "move" -d 'Give an instance to an account, with its token, number, session and history'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from help" -f -a "close" -d 'Close one: its token ends at once, its instances are deleted, its data key is destroyed'
complete -c berthctl -n "__fish_berthctl_using_subcommand account; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "list" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "get" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "show" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "create" -d 'Make one; its token is shown once'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "set" -d 'Give one another name or other attributes'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "rotate-token" -d 'Give one another token; the old one ends at once'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "move" -d 'Give an instance to an account, with its token, number, session and history'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "close" -d 'Close one: its token ends at once, its instances are deleted, its data key is destroyed'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and not __fish_seen_subcommand_from ls list get show create set rotate-token move close help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from ls" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from ls" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from ls" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from ls" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from ls" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from ls" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from ls" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from ls" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from ls" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from ls" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from list" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from list" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from list" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from list" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from list" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from list" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from list" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from list" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from list" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from get" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from get" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from get" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from get" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from get" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from get" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from get" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from get" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from get" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from get" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from get" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from show" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from show" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from show" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from show" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from show" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from show" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from show" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from show" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from show" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from show" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from show" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from create" -l attributes -d 'Any JSON that is kept with it' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from create" -l own-token-file -d 'A file with the token that it shall have; made up if it is left out' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from create" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from create" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from create" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from create" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from create" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from create" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from create" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from create" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from create" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from create" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from create" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from set" -l name -d 'Its new name' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from set" -l attributes -d 'Any JSON that is kept with it; null keeps none' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from set" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from set" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from set" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from set" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from set" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from set" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from set" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from set" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from set" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from set" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from set" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from rotate-token" -l own-token-file -d 'A file with the token that it shall have; made up if it is left out' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from rotate-token" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from rotate-token" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from rotate-token" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from rotate-token" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from rotate-token" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from rotate-token" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from rotate-token" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from rotate-token" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from rotate-token" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from rotate-token" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from rotate-token" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from rotate-token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from move" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from move" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from move" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from move" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from move" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from move" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from move" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from move" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from move" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from move" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from move" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from move" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from close" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from close" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from close" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from close" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from close" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from close" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from close" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from close" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from close" -l force -d 'Also if it has instances, which are deleted'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from close" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from close" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from close" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from close" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from help" -f -a "get" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make one; its token is shown once'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from help" -f -a "set" -d 'Give one another name or other attributes'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from help" -f -a "rotate-token" -d 'Give one another token; the old one ends at once'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from help" -f -a "move" -d 'Give an instance to an account, with its token, number, session and history'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from help" -f -a "close" -d 'Close one: its token ends at once, its instances are deleted, its data key is destroyed'
complete -c berthctl -n "__fish_berthctl_using_subcommand accounts; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -f -a "status" -d 'Show whether somebody does the work of each role; ends with 1 if not'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -f -a "members" -d 'List the processes'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -f -a "ls" -d 'List the processes'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and not __fish_seen_subcommand_from status members ls help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from status" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from status" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from status" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from status" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from status" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from status" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from status" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from status" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from status" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from status" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from status" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from members" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from members" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from members" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from members" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from members" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from members" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from members" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from members" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from members" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from members" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from members" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from members" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from ls" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from ls" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from ls" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from ls" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from ls" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from ls" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from ls" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from ls" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from ls" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from ls" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show whether somebody does the work of each role; ends with 1 if not'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "members" -d 'List the processes'
complete -c berthctl -n "__fish_berthctl_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -f -a "ls" -d 'List them, and how they answer'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -f -a "list" -d 'List them, and how they answer'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -f -a "adopt" -d 'Make an instance here of each that is there, with its name, its token and its linked device'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and not __fish_seen_subcommand_from ls list adopt help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from ls" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from ls" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from ls" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from ls" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from ls" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from ls" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from ls" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from ls" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from ls" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from ls" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from list" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from list" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from list" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from list" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from list" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from list" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from list" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from list" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from list" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -l account -d 'The id of the account that the instances shall belong to; the only one if there is one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -l only -d 'Only these instances, by their names there' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -l deleted-too -d 'Adopt those again that were deleted here'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -l dry-run -d 'Only say what would happen'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from adopt" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List them, and how they answer'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from help" -f -a "adopt" -d 'Make an instance here of each that is there, with its name, its token and its linked device'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstream; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -f -a "ls" -d 'List them, and how they answer'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -f -a "list" -d 'List them, and how they answer'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -f -a "adopt" -d 'Make an instance here of each that is there, with its name, its token and its linked device'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and not __fish_seen_subcommand_from ls list adopt help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from ls" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from ls" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from ls" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from ls" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from ls" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from ls" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from ls" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from ls" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from ls" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from ls" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from list" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from list" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from list" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from list" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from list" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from list" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from list" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from list" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from list" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -l account -d 'The id of the account that the instances shall belong to; the only one if there is one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -l only -d 'Only these instances, by their names there' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -l deleted-too -d 'Adopt those again that were deleted here'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -l dry-run -d 'Only say what would happen'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from adopt" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List them, and how they answer'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from help" -f -a "adopt" -d 'Make an instance here of each that is there, with its name, its token and its linked device'
complete -c berthctl -n "__fish_berthctl_using_subcommand upstreams; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand status" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand status" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand status" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand status" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand status" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand status" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand status" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand status" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand status" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand status" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand status" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand whoami" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand whoami" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand whoami" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand whoami" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand whoami" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand whoami" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand whoami" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand whoami" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand whoami" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand whoami" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand whoami" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand whoami" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand check" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand check" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand check" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand check" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand check" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand check" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand check" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand check" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand check" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand check" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand check" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand doctor" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand doctor" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand doctor" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand doctor" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand doctor" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand doctor" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand doctor" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand doctor" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand doctor" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand doctor" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand doctor" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand simulate" -l phone -d 'The digits of the phone' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand simulate" -l push-name -d 'The name of its person' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand simulate" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand simulate" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand simulate" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand simulate" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand simulate" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand simulate" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand simulate" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand simulate" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand simulate" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand simulate" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand simulate" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand simulate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -f -a "ls" -d 'List them; no token is shown'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -f -a "list" -d 'List them; no token is shown'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -f -a "add" -d 'Keep an address and a token under a name'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -f -a "use" -d 'Make one the current one'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -f -a "rm" -d 'Forget one'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -f -a "delete" -d 'Forget one'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and not __fish_seen_subcommand_from ls list add use rm delete help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from ls" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from ls" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from ls" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from ls" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from ls" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from ls" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from ls" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from ls" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from ls" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from ls" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from list" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from list" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from list" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from list" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from list" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from list" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from list" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from list" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from list" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from add" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from add" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from add" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from add" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from add" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from add" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from add" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from add" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from add" -l no-token -d 'Keep no token: for `status` and `check`'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from add" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from add" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from add" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from use" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from use" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from use" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from use" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from use" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from use" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from use" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from use" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from use" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from use" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from use" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from use" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from rm" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from rm" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from rm" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from rm" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from rm" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from rm" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from rm" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from rm" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from rm" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from rm" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from rm" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from delete" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from delete" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from delete" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from delete" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from delete" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from delete" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from delete" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from delete" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from delete" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from delete" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from delete" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List them; no token is shown'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "add" -d 'Keep an address and a token under a name'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "use" -d 'Make one the current one'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Forget one'
complete -c berthctl -n "__fish_berthctl_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -f -a "ls" -d 'List them; no token is shown'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -f -a "list" -d 'List them; no token is shown'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -f -a "add" -d 'Keep an address and a token under a name'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -f -a "use" -d 'Make one the current one'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -f -a "rm" -d 'Forget one'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -f -a "delete" -d 'Forget one'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and not __fish_seen_subcommand_from ls list add use rm delete help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from ls" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from ls" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from ls" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from ls" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from ls" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from ls" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from ls" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from ls" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from ls" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from ls" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from list" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from list" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from list" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from list" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from list" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from list" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from list" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from list" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from list" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from add" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from add" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from add" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from add" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from add" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from add" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from add" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from add" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from add" -l no-token -d 'Keep no token: for `status` and `check`'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from add" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from add" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from add" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from use" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from use" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from use" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from use" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from use" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from use" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from use" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from use" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from use" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from use" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from use" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from use" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from rm" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from rm" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from rm" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from rm" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from rm" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from rm" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from rm" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from rm" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from rm" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from rm" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from rm" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from delete" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from delete" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from delete" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from delete" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from delete" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from delete" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from delete" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from delete" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from delete" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from delete" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from delete" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List them; no token is shown'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from help" -f -a "add" -d 'Keep an address and a token under a name'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from help" -f -a "use" -d 'Make one the current one'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Forget one'
complete -c berthctl -n "__fish_berthctl_using_subcommand contexts; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand completions" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand completions" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand completions" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand completions" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand completions" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand completions" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand completions" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand completions" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand completions" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand completions" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand completions" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand generate" -l url -d 'The address of a gateway [default: the context\'s, else http://127.0.0.1:8480]' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand generate" -l token-file -d 'A file with the token and nothing else; `-` is the standard input' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand generate" -l context -d 'The context to use instead of the current one' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand generate" -s o -l output -d 'The form of the answer: table, json, jsonl (a line for each thing) or name' -r -f -a "table\t'For people'
json\t'What the API answered'
jsonl\t'A line of JSON for each thing'
name\t'The name of each thing'"
complete -c berthctl -n "__fish_berthctl_using_subcommand generate" -l secrets-to -d 'Keep tokens and secrets in this new file, which only you may read, and show none' -r -F
complete -c berthctl -n "__fish_berthctl_using_subcommand generate" -l key -d 'The idempotency key of the command: the same key does nothing twice. One is made up if it is left out' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand generate" -l retry-for -d 'For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet' -r
complete -c berthctl -n "__fish_berthctl_using_subcommand generate" -l color -d 'Whether colours are used; `NO_COLOR` counts too' -r -f -a "auto\t'On a terminal that has them'
always\t'Everywhere'
never\t'Nowhere'"
complete -c berthctl -n "__fish_berthctl_using_subcommand generate" -l json -d 'The same as `-o json`'
complete -c berthctl -n "__fish_berthctl_using_subcommand generate" -s y -l yes -d 'Answer every question with yes'
complete -c berthctl -n "__fish_berthctl_using_subcommand generate" -l show-secrets -d 'Show tokens and secrets also where nobody looks at a terminal'
complete -c berthctl -n "__fish_berthctl_using_subcommand generate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "instance" -d 'Make, link, log out, watch and delete instances'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "events" -d 'Show what happened to an instance, and with -f what happens'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "audit" -d 'Search what happened to instances, by who asked for it, through which door, what and when'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "verify" -d 'Check that histories are as they were written'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "checkpoint" -d 'Show what is signed about the log, and prove that nothing before was changed'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "proof" -d 'Prove that a commit of an instance is in what was signed'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "export" -d 'Write histories as lines of JSON, each commit with the proof that it is in what was signed'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "webhook" -d 'Configure who is told of an instance'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "delivery" -d 'Show what all webhooks of the account were sent, and send it again'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "listen" -d 'Receive notices here and check their signatures'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "account" -d 'Manage accounts; with the root key'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "cluster" -d 'Show the processes of the deployment, and who does whose work; with the root key'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "upstream" -d 'Show gateways that run already, and take over what is on them; with the root key'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "status" -d 'Show whether Berth serves, and what of it does not'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "whoami" -d 'Show whose token is sent'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "check" -d 'Say in one line and in the exit code whether all is well; for monitors'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "doctor" -d 'Look for what is wrong with the connection, the token, the clocks and the deployment'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "simulate" -d 'Play the phone or the network of an instance; only with the simulated driver'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "context" -d 'Keep addresses and tokens under names'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "completions" -d 'Print the completions for a shell'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "generate" -d 'Write completions and manual pages into a folder'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and not __fish_seen_subcommand_from instance events audit verify checkpoint proof export webhook delivery listen account cluster upstream status whoami check doctor simulate context completions generate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from instance" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from instance" -f -a "counts" -d 'Show how many are in each state'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from instance" -f -a "get" -d 'Show one, now or as it was'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from instance" -f -a "create" -d 'Make one'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from instance" -f -a "connect" -d 'Link a device: draws the QR code and waits for the scan'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from instance" -f -a "qr" -d 'Show or save the code that can be scanned now'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from instance" -f -a "logout" -d 'End the session and unlink the device; the instance stays'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from instance" -f -a "disconnect" -d 'Close the connection and keep the link'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from instance" -f -a "reconnect" -d 'Open the connection of a link that there is'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from instance" -f -a "restart" -d 'Close the connection and open it again'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from instance" -f -a "rename" -d 'Give one another name'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from instance" -f -a "rotate-token" -d 'Give one another token'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from instance" -f -a "rm" -d 'Delete them and erase their personal data'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from instance" -f -a "watch" -d 'Tell of each change of one, until it is as wanted'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from checkpoint" -f -a "ls" -d 'Show the last checkpoint of each shard, and with -o json the keys that sign'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from checkpoint" -f -a "log" -d 'List all checkpoints of a shard'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from checkpoint" -f -a "prove" -d 'Prove that a later tree of a shard begins with an earlier one'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from webhook" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from webhook" -f -a "get" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from webhook" -f -a "add" -d 'Add one'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from webhook" -f -a "set" -d 'Change one; what is left out stays, its secret too'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from webhook" -f -a "rm" -d 'Remove one; what waits for it is cancelled'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from webhook" -f -a "deliveries" -d 'List what one was sent and what came of it; or show one delivery with its attempts'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from webhook" -f -a "resend" -d 'Send one delivery again, whatever became of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from webhook" -f -a "retry" -d 'Try now what waits'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from webhook" -f -a "recover" -d 'Send again what was given up since a moment, in order'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from webhook" -f -a "test" -d 'Send one a notice that says nothing, and say what came of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from webhook" -f -a "secret" -d 'Show the signing secrets of one'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from webhook" -f -a "rotate" -d 'Change the signing secret of one; the former one signs beside it for a while'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from webhook" -f -a "account" -d 'The webhooks of the account: each is told of all its instances, those to come included'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from delivery" -f -a "ls" -d 'List what was sent, and what came of it'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from delivery" -f -a "recover" -d 'Send again what was given up since a moment, to every enabled webhook'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from account" -f -a "ls" -d 'List them'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from account" -f -a "get" -d 'Show one'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from account" -f -a "create" -d 'Make one; its token is shown once'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from account" -f -a "set" -d 'Give one another name or other attributes'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from account" -f -a "rotate-token" -d 'Give one another token; the old one ends at once'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from account" -f -a "move" -d 'Give an instance to an account, with its token, number, session and history'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from account" -f -a "close" -d 'Close one: its token ends at once, its instances are deleted, its data key is destroyed'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "status" -d 'Show whether somebody does the work of each role; ends with 1 if not'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "members" -d 'List the processes'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from upstream" -f -a "ls" -d 'List them, and how they answer'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from upstream" -f -a "adopt" -d 'Make an instance here of each that is there, with its name, its token and its linked device'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from context" -f -a "ls" -d 'List them; no token is shown'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from context" -f -a "add" -d 'Keep an address and a token under a name'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from context" -f -a "use" -d 'Make one the current one'
complete -c berthctl -n "__fish_berthctl_using_subcommand help; and __fish_seen_subcommand_from context" -f -a "rm" -d 'Forget one'
