# find_package(berth): headers, libraries and one config file, so that a scheduler with one more
# plugin is built out of tree (examples/my_plugin). `cmake --install build/release --prefix DIR`.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
get_property(berth_libraries GLOBAL PROPERTY BERTH_LIBRARIES)
install(TARGETS berth EXPORT berthTargets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ${berth_libraries} EXPORT berthTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/berth
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/berth)
install(DIRECTORY ${CMAKE_BINARY_DIR}/gen/api DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/berth
  FILES_MATCHING PATTERN "*.pb.h")
install(EXPORT berthTargets NAMESPACE berth:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/berth)
configure_file(${CMAKE_SOURCE_DIR}/cmake/berthConfig.cmake.in
  ${CMAKE_BINARY_DIR}/berthConfig.cmake @ONLY)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/berthConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/berthConfig.cmake ${CMAKE_BINARY_DIR}/berthConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/berth)
