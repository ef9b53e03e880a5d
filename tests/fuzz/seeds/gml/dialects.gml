Creator "Cytoscape"
Version 1.0
# comment
graph [
 directed 1 multigraph 1
 node [ id -3 label "A&#169;&amp;&#x4e2d;" graphics [ x -96.0 Line [ ] ] Latitude 45.25167 ]
 node [ id n42 label b ips "a" ips "b" one "_networkx_list_start" one "x" f NAN g +INF ]
 edge [ source -3 target n42 key 0 label "multi
line" ]
]
